package dev.millrace.bench;

import dev.millrace.bench.contestant.OrdersTable;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/// Finds out when the target has everything, at little cost for the target. Each question sees only
/// committed rows. Not thread-safe.
interface Arrival {

    /// Returns whether everything has arrived.
    boolean isComplete() throws SQLException;

    /// Returns whether anything has arrived. The answer may be late.
    boolean hasBegun() throws SQLException;

    /// About the share that has arrived, from 0 to 1.
    double share();

    /// Awaits all rows of the source. The source must not change until the target has them. The
    /// target is empty.
    static Arrival ofRows(Turn turn) throws SQLException {
        return turn.route().size().tables() == 1 ? SampledArrival.ofRows(turn) : new Counted(turn);
    }

    /// Awaits all changes that the source has now. It must not change until the target has them.
    ///
    /// @param first these keys, from 1, have changed on the source; the first difference to what
    ///   the target holds of them now is the begin
    static Arrival ofChanges(Turn turn, int first) throws SQLException {
        return SampledArrival.ofChanges(turn, first);
    }

    /// Counts the rows of many small tables, one table after the other.
    final class Counted implements Arrival {

        private final Turn turn;
        private final int tables;
        private int complete;
        private boolean begun;

        private Counted(Turn turn) {
            this.turn = turn;
            this.tables = turn.route().size().tables();
        }

        @Override
        public boolean isComplete() throws SQLException {
            while (complete < tables) {
                long rows = count(complete + 1);
                begun |= rows > 0;
                if (rows < OrdersTable.rowsOf(complete + 1, turn.rows(), tables)) {
                    return false;
                }
                complete++;
            }
            return true;
        }

        @Override
        public boolean hasBegun() {
            return begun;
        }

        @Override
        public double share() {
            return (double) complete / tables;
        }

        private long count(int table) throws SQLException {
            try (PreparedStatement query =
                            turn.target()
                                    .prepareStatement(
                                            "SELECT count(*) FROM public."
                                                    + OrdersTable.name(table, tables));
                    ResultSet row = query.executeQuery()) {
                return row.next() ? row.getLong(1) : 0;
            }
        }
    }
}
