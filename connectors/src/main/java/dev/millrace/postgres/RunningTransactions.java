package dev.millrace.postgres;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/// The transactions that a snapshot does not see. Includes a transaction whose commit is in the
/// WAL, and perhaps in the changes topic, but is not yet visible on the source. Ids include the
/// epoch, as in `pg_current_snapshot()`. Immutable.
///
/// @param ids top-level transactions below `next` that were running
/// @param next the first id that was not assigned; the snapshot sees no transaction from this id on
public record RunningTransactions(Set<Long> ids, long next) {

    public RunningTransactions {
        ids = Set.copyOf(ids);
    }

    public boolean hides(long transaction) {
        return transaction >= next || ids.contains(transaction);
    }

    /// Like [#hides], for an id without its epoch, as in the stream. A running transaction and
    /// another one are never 2^31 ids apart, so the id nearest to `next` is the right one.
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

    /// Parses PostgreSQL's format `xmin:xmax:xip,xip`.
    ///
    /// @throws IllegalArgumentException if the text has another format
    public static RunningTransactions parse(String snapshot) {
        String[] parts = snapshot.split(":", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException("Not a snapshot: '" + snapshot + "'");
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
