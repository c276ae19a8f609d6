package dev.millrace.apply.origin;

import dev.millrace.control.GenerationStore.SessionSetup;
import dev.millrace.postgres.ReplicationOrigins;
import dev.millrace.postgres.SqlState;
import dev.millrace.postgres.SqlState.ErrorClass;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Whether every transaction of one session carries a replication origin. Immutable.
public sealed interface SessionOrigin {

    /// @param name no other session uses it
    record Marked(String name) implements SessionOrigin {}

    /// @param reason why, and what the operator can do
    record Unmarked(String reason) implements SessionOrigin {}

    /// Gives the current transaction its commit time. Otherwise the WAL contains no time for the
    /// session's first transaction, and the first one's time for all later ones.
    default void beginTransaction(Connection connection) throws SQLException {
        switch (this) {
            case Marked _ -> {
                try (var statement =
                        connection.prepareStatement(
                                "SELECT pg_replication_origin_xact_setup('0/0', clock_timestamp())")) {
                    statement.execute();
                }
            }
            case Unmarked _ -> {}
        }
    }

    /// Sets up the origin of a new session.
    ///
    /// @param stream the identifier of the stream
    /// @param writer the number of the session among those that write, from 1
    /// @param writers the sessions that write at the same time
    record Setup(String stream, int writer, int writers, OriginUse use) {

        /// The server has no room for another origin, or allows none.
        private static final Set<ErrorClass> FULL =
                Set.of(
                        ErrorClass.INSUFFICIENT_RESOURCES,
                        ErrorClass.PROGRAM_LIMIT_EXCEEDED,
                        ErrorClass.OBJECT_NOT_IN_PREREQUISITE_STATE);

        /// @param connection in autocommit mode
        /// @throws SQLException when the session must not write: other sessions have all origins of
        ///   this writer (may pass), or an origin is required and not permitted
        public SessionOrigin of(Connection connection) throws SQLException {
            ReplicationOrigins allowed = ReplicationOrigins.read(connection, List.of(stream));
            if (!allowed.forbidden().isEmpty()) {
                return unmarked(
                        forbidden(connection, allowed.forbidden()),
                        SqlState.INSUFFICIENT_PRIVILEGE);
            }
            List<String> held = new ArrayList<>();
            for (int number : ReplicationOrigins.candidates(writer, writers)) {
                String name = ReplicationOrigins.name(stream, number);
                try {
                    create(connection, name);
                    call(connection, "SELECT pg_replication_origin_session_setup(?)", name);
                    return new Marked(name);
                } catch (SQLException e) {
                    if (SqlState.OBJECT_IN_USE.matches(e)) {
                        held.add(name);
                    } else if (!FULL.contains(ErrorClass.of(e))
                            || SqlState.LOCK_NOT_AVAILABLE.matches(e)) {
                        throw e;
                    } else if (held.isEmpty()) {
                        return unmarked(full(allowed), SqlState.CONFIGURATION_LIMIT_EXCEEDED);
                    } else {
                        break;
                    }
                }
            }
            throw new SQLException(
                    "Other sessions have the replication origins "
                            + String.join(", ", held)
                            + " of this writer. One is free when its session ends.",
                    SqlState.OBJECT_IN_USE.code());
        }

        /// The same for the session that empties the target tables before a generation: its
        /// truncates must not come back either.
        ///
        /// @param first what prepares the session before
        public SessionSetup after(SessionSetup first) {
            return connection -> {
                Optional<String> refusal = first.prepare(connection);
                if (refusal.isEmpty()) {
                    of(connection);
                }
                return refusal;
            };
        }

        private SessionOrigin unmarked(String reason, SqlState state) throws SQLException {
            return switch (use) {
                case REQUIRED -> throw new SQLException(reason, state.code());
                case IF_PERMITTED -> new Unmarked(reason);
            };
        }

        private static void create(Connection connection, String name) throws SQLException {
            try {
                call(
                        connection,
                        "SELECT pg_replication_origin_create(?)"
                                + " WHERE pg_replication_origin_oid(?) IS NULL",
                        name,
                        name);
            } catch (SQLException e) {
                // Another session created it meanwhile.
                if (!SqlState.UNIQUE_VIOLATION.matches(e)) {
                    throw e;
                }
            }
        }

        private static void call(Connection connection, String sql, String... names)
                throws SQLException {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                for (int i = 0; i < names.length; i++) {
                    statement.setString(i + 1, names[i]);
                }
                statement.execute();
            }
        }

        private static String forbidden(Connection connection, List<String> functions)
                throws SQLException {
            try (PreparedStatement statement =
                            connection.prepareStatement("SELECT current_user, current_database()");
                    ResultSet row = statement.executeQuery()) {
                row.next();
                return "Role %s may not mark its changes with a replication origin, so the opposite stream would send them back. In database %s run: %s"
                        .formatted(
                                row.getString(1),
                                row.getString(2),
                                ReplicationOrigins.grant(functions, row.getString(1)));
            }
        }

        private static String full(ReplicationOrigins allowed) {
            return "No replication origin is free, so changes cannot be marked and the opposite stream would send them back. Drop unused origins with pg_replication_origin_drop, or raise %s from %d and restart the server."
                    .formatted(allowed.setting(), allowed.limit());
        }
    }

    /// Whether a session may write transactions that have no replication origin. The capture of the
    /// opposite stream takes such a transaction for the application's, and sends it back.
    public enum OriginUse {
        /// The opposite stream runs: a session without an origin does not write.
        REQUIRED,

        /// No opposite stream runs yet: without privilege or free origin, a session writes
        /// unmarked.
        IF_PERMITTED
    }
}
