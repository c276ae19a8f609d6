package dev.millrace.route;

import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.route.TrafficRoute.Outcome;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;

/// One transaction on the source or the target whose result is certain: a lost reply of COMMIT is
/// settled by asking the server for the status of the transaction's id. Thread-safe.
///
/// @param name of the route, for messages
/// @param patience how long to ask the server after a lost reply
record SideTransaction(Database database, String name, Duration patience) {

    static final Duration PATIENCE = Duration.ofSeconds(15);

    /// Clients wait meanwhile.
    private static final String LIMITS =
            "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '10s'";

    private static final Duration SILENCE = Duration.ofSeconds(12);
    private static final Duration POLL = Duration.ofMillis(100);

    /// The session is terminated when it is still in its transaction after the reply was lost: it
    /// never received COMMIT, and nobody will send it again.
    private static final String STATUS =
            """
            SELECT pg_catalog.pg_xact_status(%1$s::xid8) AS status,
                   (SELECT pg_catalog.bool_or(pg_catalog.pg_terminate_backend(a.pid))
                      FROM pg_catalog.pg_stat_activity a
                     WHERE a.pid = %2$d AND a.usename = CURRENT_USER
                       AND a.backend_xid = %1$s::xid8::xid
                       AND a.state = 'idle in transaction') AS ended
            """;

    /// The statements of the transaction.
    interface Work {

        /// @return why the transaction must be rolled back; empty to commit it
        Optional<String> run(Statement statement) throws SQLException;
    }

    /// @param xid of the transaction, as text
    record Sent(String xid, int pid) {}

    Outcome run(Work work) {
        Connection session;
        try {
            session = database.connect("route");
        } catch (SQLException e) {
            return new Outcome.NotRouted(name + ": no session on " + database + ": " + reason(e));
        }
        Sent sent;
        try {
            session.setNetworkTimeout(Runnable::run, Math.toIntExact(SILENCE.toMillis()));
            session.setAutoCommit(false);
            try (Statement statement = session.createStatement()) {
                statement.setEscapeProcessing(false);
                statement.execute(LIMITS);
                sent = identify(statement);
                Optional<String> refused = work.run(statement);
                if (refused.isPresent()) {
                    close(session);
                    return new Outcome.NotRouted(name + ": " + refused.get());
                }
            }
        } catch (SQLException e) {
            close(session);
            return new Outcome.NotRouted(name + ": the transaction failed: " + reason(e));
        }
        try {
            session.commit();
            return new Outcome.Routed();
        } catch (SQLException e) {
            return settle(sent, reason(e));
        } finally {
            close(session);
        }
    }

    private static Sent identify(Statement statement) throws SQLException {
        try (ResultSet row =
                statement.executeQuery(
                        "SELECT pg_catalog.pg_current_xact_id()::text,"
                                + " pg_catalog.pg_backend_pid()")) {
            row.next();
            return new Sent(row.getString(1), row.getInt(2));
        }
    }

    /// Asks until the transaction has ended.
    Outcome settle(Sent sent, String why) {
        Deadline deadline = Deadline.in(patience);
        do {
            switch (status(sent)) {
                case "committed" -> {
                    return new Outcome.Routed();
                }
                case "aborted" -> {
                    return new Outcome.NotRouted(
                            name + ": the transaction was rolled back: " + why);
                }
                default -> {}
            }
        } while (deadline.pause(POLL));
        return new Outcome.Unknown(
                "Did transaction "
                        + sent.xid()
                        + " of "
                        + name
                        + " commit? The reply to COMMIT was lost. Run SELECT pg_xact_status('"
                        + sent.xid()
                        + "'::xid8) on "
                        + database
                        + ": committed means routed, aborted means not-routed.");
    }

    /// `in progress` and an unreachable server are asked again.
    private String status(Sent sent) {
        try (Connection session = database.connect("route");
                Statement statement = session.createStatement();
                ResultSet row =
                        statement.executeQuery(
                                STATUS.formatted(Identifier.literal(sent.xid()), sent.pid()))) {
            return row.next() ? String.valueOf(row.getString("status")) : "";
        } catch (SQLException _) {
            return "";
        }
    }

    /// An open transaction is rolled back by it.
    private static void close(Connection session) {
        try {
            session.close();
        } catch (SQLException _) {
            // The outcome is known without it.
        }
    }

    static String reason(SQLException failure) {
        return FailureClassifier.of(failure).reason();
    }
}
