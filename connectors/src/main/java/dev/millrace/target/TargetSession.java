package dev.millrace.target;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;

/// One session of a writer, with every setting pinned on which the meaning of a text or the
/// durability of a commit hangs. Transactions are READ COMMITTED, so that a statement behind a lock
/// sees what the lock's holder left.
final class TargetSession implements AutoCloseable {

    private static final Duration EMPTYING = Duration.ofHours(12);

    private static final String PIN =
            """
            SELECT set_config(s.name, p.value, false)
            FROM (VALUES
                ('TimeZone', 'UTC'), ('DateStyle', 'ISO, MDY'), ('IntervalStyle', 'postgres'),
                ('bytea_output', 'hex'), ('extra_float_digits', '1'), ('lc_monetary', 'C'), ('xmloption', 'content'),
                ('standard_conforming_strings', 'on'), ('row_security', 'off'),
                ('synchronous_commit', 'on'), ('default_transaction_isolation', 'read committed'),
                ('default_transaction_read_only', 'off'),
                ('statement_timeout', '0'), ('transaction_timeout', '0'),
                ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'),
                ('lock_timeout', ?), ('application_name', ?)
            ) AS p (name, value) JOIN pg_settings s ON lower(s.name) = lower(p.name)
            """;

    private final Connection connection;
    private final ReplicaRole role;
    private final Duration silence;

    private TargetSession(Connection connection, ReplicaRole role, Duration silence) {
        this.connection = connection;
        this.role = role;
        this.silence = silence;
    }

    /// @param silence how long the server may be silent before the session counts as broken
    static TargetSession open(
            TargetSessions sessions, String migration, Duration lockTimeout, Duration silence)
            throws SQLException {
        Connection connection = sessions.open();
        try {
            patience(connection, silence);
            connection.setAutoCommit(true);
            try (PreparedStatement pin = connection.prepareStatement(PIN)) {
                pin.setString(1, lockTimeout.toMillis() + "ms");
                pin.setString(2, "millrace " + migration + " apply");
                pin.execute();
            }
            ReplicaRole role = ReplicaRole.take(connection);
            connection.setAutoCommit(false);
            return new TargetSession(connection, role, silence);
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    Connection connection() {
        return connection;
    }

    /// Lets the server be silent for as long as the emptying of a large table may take.
    void expectSilence() throws SQLException {
        patience(connection, EMPTYING);
    }

    void expectAnswers() throws SQLException {
        patience(connection, silence);
    }

    private static void patience(Connection connection, Duration silence) throws SQLException {
        connection.setNetworkTimeout(Runnable::run, Math.toIntExact(silence.toMillis()));
    }

    ReplicaRole role() {
        return role;
    }

    void abort() {
        try {
            connection.abort(Runnable::run);
        } catch (SQLException _) {
            // It was closed.
        }
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException _) {
            // The server ends it when it notices; an open transaction is lost, as it should be.
        }
    }
}
