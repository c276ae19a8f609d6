package dev.millrace.apply.connection;

import dev.millrace.postgres.SqlFailure;
import dev.millrace.postgres.watch.ConnectionWatch;
import dev.millrace.postgres.watch.ConnectionWatch.Sessions;
import dev.millrace.postgres.watch.ConnectionWatch.Suspicion;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Detects that the network has lost a session on the target whose thread waits in a call of the
/// driver. A statement may take ten minutes, and a write into a full socket waits without a limit.
/// The server knows whether it works: it waits for the client while the client waits for it, its
/// session has ended, or it cannot be reached at all.
///
/// A client that needs long to send or receive one large value or result looks the same. So a
/// session that is opened after failures is given more time, up to sixteen times as much.
/// Thread-safe.
public final class SessionWatch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SessionWatch.class);

    /// The end of a session arrives between two checks.
    private static final int CHECKS_OF_AN_ENDED_SESSION = 2;

    private static final int CHECKS_OF_A_WAITING_SESSION = 6;

    /// A server that is short of CPU accepts no login for a while, and continues its statements.
    private static final int CHECKS_OF_AN_UNREACHABLE_SERVER = 12;

    private static final int MOST_DOUBLINGS = 4;

    private static final Duration ANSWER = Duration.ofSeconds(10);

    private static final String DRIVER = PGConnection.class.getPackageName() + ".";

    private static final String IDENTIFY =
            "SELECT pid, backend_start::text FROM pg_catalog.pg_stat_activity"
                    + " WHERE pid = pg_catalog.pg_backend_pid()";

    /// Without `track_activities` the times do not change, so nothing is known.
    private static final String READ =
            """
            SELECT coalesce(a.state <> 'disabled' AND a.wait_event_type = 'Client', false),
                concat_ws(' ', a.wait_event, a.query_start, a.state_change, c.bytes_processed)
            FROM pg_catalog.pg_stat_activity a
            LEFT JOIN pg_catalog.pg_stat_progress_copy c USING (pid)
            WHERE a.pid = ? AND a.backend_start::text = ?
            """;

    /// The server process of a session. Its number can be given to another one.
    private record Backend(int pid, String start) {

        static Backend of(Connection connection) throws SQLException {
            try (var statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(IDENTIFY)) {
                row.next();
                return new Backend(row.getInt(1), row.getString(2));
            }
        }
    }

    /// What the session's thread does, until it is closed.
    public final class Task implements AutoCloseable {

        private final Thread thread = Thread.currentThread();

        private Task() {}

        private boolean isInTheDriver() {
            return Stream.of(thread.getStackTrace())
                    .anyMatch(frame -> frame.getClassName().startsWith(DRIVER));
        }

        @Override
        public void close() {
            task = null;
        }
    }

    private final Sessions sessions;
    private final Connection watched;
    private final Backend backend;
    private final int checks;
    private volatile @Nullable Task task;
    private @Nullable Task taskBefore;
    private final ConnectionWatch watch;

    private SessionWatch(
            Sessions sessions,
            Connection watched,
            Backend backend,
            Duration interval,
            int failures) {
        this.sessions = sessions;
        this.watched = watched;
        this.backend = backend;
        this.checks = CHECKS_OF_A_WAITING_SESSION << Math.min(failures, MOST_DOUBLINGS);
        this.watch =
                ConnectionWatch.start(
                        "session-watch-" + backend.pid(), interval, this::check, this::abort);
    }

    /// @param sessions opens other sessions of the same role
    /// @param watched in autocommit mode. A lost one is closed, so that the call fails
    /// @param interval how often a task is looked at; one that ends sooner costs nothing
    /// @param failures how many sessions before this one have failed in a row
    public static SessionWatch start(
            Sessions sessions, Connection watched, Duration interval, int failures)
            throws SQLException {
        return new SessionWatch(sessions, watched, Backend.of(watched), interval, failures);
    }

    /// The calling thread begins to use the session.
    public Task begin() {
        Task begun = new Task();
        task = begun;
        return begun;
    }

    private Optional<Suspicion> check() {
        Task now = task;
        Task before = taskBefore;
        taskBefore = now;
        return now != null && now == before && now.isInTheDriver() ? ask() : Optional.empty();
    }

    private Optional<Suspicion> ask() {
        try (Connection other = sessions.open()) {
            other.setNetworkTimeout(Runnable::run, Math.toIntExact(ANSWER.toMillis()));
            return read(other);
        } catch (SQLException e) {
            return SqlFailure.of(e) == SqlFailure.UNREACHABLE
                    ? Optional.of(
                            new Suspicion(
                                    "The server cannot be reached",
                                    "",
                                    CHECKS_OF_AN_UNREACHABLE_SERVER))
                    : Optional.empty();
        }
    }

    private Optional<Suspicion> read(Connection other) throws SQLException {
        try (PreparedStatement statement = other.prepareStatement(READ)) {
            statement.setInt(1, backend.pid());
            statement.setString(2, backend.start());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return Optional.of(
                            new Suspicion(
                                    "The server has ended the session, but the end has not arrived",
                                    "",
                                    CHECKS_OF_AN_ENDED_SESSION));
                }
                return row.getBoolean(1)
                        ? Optional.of(
                                new Suspicion(
                                        "The server waits for the client, and the client for the"
                                                + " server",
                                        row.getString(2),
                                        checks))
                        : Optional.empty();
            }
        }
    }

    private void abort(Suspicion lost) {
        LOG.atWarn()
                .addKeyValue("backend", backend.pid())
                .addKeyValue("reason", lost.reason())
                .log("the network has lost a session on the target");
        try {
            watched.abort(Runnable::run);
        } catch (SQLException _) {
            // The connection is closed already.
        }
    }

    @Override
    public void close() {
        watch.close();
    }
}
