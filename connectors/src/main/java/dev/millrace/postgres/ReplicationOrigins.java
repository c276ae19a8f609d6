package dev.millrace.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// What a server and a role's privileges allow for replication origins, which mark the rows that
/// Millrace writes, so that the capture of the other direction can drop them. Immutable.
///
/// An origin belongs to the whole server, and one session can use it at a time. The sessions of a
/// stream take `millrace_<stream>_<number>`; the last underscore ends the stream's identifier, so
/// no name belongs to two streams.
///
/// @param setting the server parameter that limits how many origins can be used
/// @param limit its value
/// @param used origins of others, active or not: only a privileged role sees which are active
/// @param forbidden signatures of the functions that the role may not execute in this database
public record ReplicationOrigins(String setting, int limit, int used, List<String> forbidden) {

    /// The functions that a role needs to mark its transactions and to remove its origins.
    public static final List<String> FUNCTIONS =
            List.of(
                    "pg_replication_origin_create",
                    "pg_replication_origin_drop",
                    "pg_replication_origin_oid",
                    "pg_replication_origin_session_reset",
                    "pg_replication_origin_session_setup",
                    "pg_replication_origin_xact_setup");

    private static final String ORIGINS =
            """
            SELECT setting.name, current_setting(setting.name)::int,
                (SELECT count(*) FROM pg_catalog.pg_replication_origin o
                    WHERE NOT EXISTS (SELECT 1 FROM unnest(?::text[]) stream
                        WHERE o.roname ~ ('^millrace_' || stream || '_[0-9]+$')))::int,
                ARRAY(SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p
                    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY(?)
                    AND NOT pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
                    ORDER BY 1) AS forbidden
            FROM (SELECT CASE WHEN current_setting('max_active_replication_origins', true) IS NULL
                THEN 'max_replication_slots' ELSE 'max_active_replication_origins' END AS name) setting
            """;

    /// A stream's identifier contains letters, digits and underscores alone.
    private static final String NAMES =
            "SELECT roname FROM pg_catalog.pg_replication_origin"
                    + " WHERE roname ~ ('^millrace_' || ? || '_[0-9]+$') ORDER BY 1";

    public ReplicationOrigins {
        forbidden = List.copyOf(forbidden);
    }

    /// @param number from 1
    public static String name(String stream, int number) {
        return "millrace_" + stream + "_" + number;
    }

    /// Whether an origin is one of the stream's.
    ///
    /// @param origin the name; `null` for a transaction without origin
    public static boolean isOf(String stream, @Nullable String origin) {
        String start = "millrace_" + stream + "_";
        return origin != null
                && origin.length() > start.length()
                && origin.startsWith(start)
                && origin.chars().skip(start.length()).allMatch(c -> c >= '0' && c <= '9');
    }

    /// How many origins a stream uses at most: the session of a process that was killed may still
    /// have the one of its successor.
    ///
    /// @param writers the sessions that write at the same time
    public static int most(int writers) {
        return 2 * writers;
    }

    /// The numbers that a session of a stream tries, in this order: its own, then those that no
    /// session has as its own.
    ///
    /// @param writer the session's own number, from 1
    public static List<Integer> candidates(int writer, int writers) {
        return IntStream.concat(
                        IntStream.of(writer), IntStream.rangeClosed(writers + 1, most(writers)))
                .boxed()
                .toList();
    }

    /// The statement that permits what is forbidden.
    ///
    /// @param role as it is named in the database
    public static String grant(List<String> forbidden, String role) {
        return "GRANT EXECUTE ON FUNCTION "
                + forbidden.stream().map("pg_catalog."::concat).collect(Collectors.joining(", "))
                + " TO "
                + Identifier.quote(role)
                + ";";
    }

    /// Whether this many origins can be used together.
    public boolean hasFree(int needed) {
        return limit - used >= needed;
    }

    /// @param streams identifiers of the streams whose origins do not count as used
    public static ReplicationOrigins read(Connection connection, List<String> streams) {
        return Query.list(
                        connection,
                        ORIGINS,
                        row ->
                                new ReplicationOrigins(
                                        row.getString(1),
                                        row.getInt(2),
                                        row.getInt(3),
                                        Query.texts(row, "forbidden")),
                        streams,
                        FUNCTIONS)
                .getFirst();
    }

    static List<String> names(Connection connection, String stream) {
        return Query.list(connection, NAMES, row -> row.getString(1), stream);
    }

    /// Drops the origins of exactly this stream that no session uses. Call it only after the
    /// captures that drop this stream's changes have ended: the WAL contains an origin's number
    /// alone, so that changes of a dropped origin are decoded without a name, or under the name
    /// that took the number. The connection must be in autocommit mode.
    ///
    /// @return the names that were dropped
    public static List<String> drop(Connection connection, String stream) throws SQLException {
        List<String> dropped = new ArrayList<>();
        for (String name : names(connection, stream)) {
            try (PreparedStatement statement =
                    connection.prepareStatement("SELECT pg_replication_origin_drop(?)")) {
                statement.setString(1, name);
                statement.execute();
                dropped.add(name);
            } catch (SQLException e) {
                if (!SqlState.OBJECT_IN_USE.matches(e) && !SqlState.UNDEFINED_OBJECT.matches(e)) {
                    throw e;
                }
            }
        }
        return List.copyOf(dropped);
    }
}
