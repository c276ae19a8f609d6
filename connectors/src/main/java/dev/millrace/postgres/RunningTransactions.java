package dev.millrace.postgres;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/// The transactions that a snapshot does not see: also one whose commit is in the WAL, and perhaps
/// in the log, but which the source shows to nobody yet. Ids have their epoch, as
/// `pg_current_snapshot()` prints them.
///
/// @param ids top-level transactions that were running and have ids below `next`
/// @param next no transaction from this id on is seen, running or not begun
public record RunningTransactions(Set<Long> ids, long next) {

    public RunningTransactions {
        ids = Set.copyOf(ids);
    }

    public boolean hides(long transaction) {
        return transaction >= next || ids.contains(transaction);
    }

    /// The same of an id without its epoch, as the stream gives it. Two transactions of which one
    /// runs are never 2^31 ids apart, so the nearest id to `next` is the one that is meant.
    public boolean hidesStreamed(long transaction) {
        return hides(next + (int) (transaction - next));
    }

    public static RunningTransactions read(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT pg_current_snapshot()::text")) {
            rows.next();
            return parse(rows.getString(1));
        }
    }

    /// Reads PostgreSQL's form `xmin:xmax:xip,xip`.
    ///
    /// @throws IllegalArgumentException for another text
    public static RunningTransactions parse(String snapshot) {
        String[] parts = snapshot.split(":", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException("not a snapshot: '" + snapshot + "'");
        }
        Set<Long> ids =
                parts[2].isEmpty()
                        ? Set.of()
                        : Arrays.stream(parts[2].split(",", -1))
                                .map(Long::valueOf)
                                .collect(Collectors.toUnmodifiableSet());
        return new RunningTransactions(ids, Long.parseLong(parts[1]));
    }
}
