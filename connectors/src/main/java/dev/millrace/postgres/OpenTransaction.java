package dev.millrace.postgres;

import java.sql.Connection;
import java.util.List;
import java.util.OptionalInt;

/// A transaction that may stay open for long: any prepared transaction, or a session's transaction
/// that has written and is older than one minute. The creation of a replication slot waits for such
/// transactions of every database. A role that may not see other roles' sessions does not see since
/// when their transactions are open, so only its own are found; see [Server.Role#seesActivity].
/// Immutable.
///
/// @param name the identifier of a prepared transaction; empty for a session's transaction
/// @param session the session's process id; empty for a prepared transaction
public record OpenTransaction(String name, OptionalInt session, String database, long seconds) {

    private static final String OPEN =
            """
            SELECT p.gid, NULL::int, p.database::text, extract(epoch FROM now() - p.prepared)::int8
            FROM pg_catalog.pg_prepared_xacts p
            UNION ALL
            SELECT '', a.pid, a.datname::text, extract(epoch FROM now() - a.xact_start)::int8
            FROM pg_catalog.pg_stat_activity a
            WHERE a.backend_xid IS NOT NULL AND a.datname IS NOT NULL
                AND a.xact_start < now() - interval '1 minute'
            ORDER BY 4 DESC
            """;

    static List<OpenTransaction> read(Connection connection) {
        return Query.list(
                connection,
                OPEN,
                row -> {
                    int session = row.getInt(2);
                    boolean prepared = row.wasNull();
                    return new OpenTransaction(
                            row.getString(1),
                            prepared ? OptionalInt.empty() : OptionalInt.of(session),
                            row.getString(3),
                            row.getLong(4));
                });
    }
}
