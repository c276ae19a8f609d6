package dev.millrace.apply.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.watch.ConnectionWatch.Sessions;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.io.InputStream;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

class SessionWatchIT {

    private static final Duration INTERVAL = Duration.ofMillis(20);

    /// More checks than any finding needs.
    private static final int MANY = 30;

    private static final int CHECKS_OF_A_WAITING_SESSION = 6;

    private static final String WAIT = "SELECT pg_advisory_lock(1)";

    private final TestDatabase database = PostgresServer.shared().newDatabase();
    private final Login login = GrantedLogins.apply(database);
    private final AtomicInteger checks = new AtomicInteger();
    private int failures;

    private Sessions through(Login server) {
        return () -> {
            checks.incrementAndGet();
            return server.session("probe");
        };
    }

    /// A session that a thread uses while it is watched.
    private final class Watched implements AutoCloseable {

        final Connection connection;
        final SessionWatch watch;

        Watched(Login server, Sessions others) throws SQLException {
            connection = server.session("apply");
            watch = SessionWatch.start(others, connection, INTERVAL, failures);
        }

        FutureTask<?> start(Callable<?> work) {
            var task =
                    new FutureTask<Object>(
                            () -> {
                                try (var _ = watch.begin()) {
                                    return work.call();
                                }
                            });
            Thread.ofPlatform().daemon().start(task);
            return task;
        }

        FutureTask<?> run(String sql) {
            return start(
                    () -> {
                        try (var statement = connection.createStatement()) {
                            return statement.execute(sql);
                        }
                    });
        }

        @Override
        public void close() throws SQLException {
            watch.close();
            connection.close();
        }
    }

    /// The statement of the session waits for a lock of the test.
    private Connection lock() throws SQLException {
        Connection locking = database.connect();
        try (var statement = locking.createStatement()) {
            statement.execute(WAIT);
        }
        return locking;
    }

    private void awaitBlocked() {
        Awaitility.await()
                .until(
                        () ->
                                !database.query(
                                                "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid"
                                                        + " = database WHERE NOT granted AND d.datname"
                                                        + " = current_database()")
                                        .isEmpty());
    }

    private void awaitChecks() {
        int begun = checks.get();
        Awaitility.await().until(() -> checks.get() > begun + MANY);
    }

    private static void assertEnded(FutureTask<?> call) {
        assertThatThrownBy(() -> call.get(Waits.LIMIT.toSeconds(), TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(SQLException.class);
    }

    @Test
    void aServerThatWorksIsNotLost() throws Exception {
        try (var watched = new Watched(login, through(login))) {
            Connection lock = lock();
            FutureTask<?> call = watched.run(WAIT);
            awaitChecks();
            lock.close();

            call.get();
        }
    }

    /// The statement ends and its result is lost.
    @Test
    void aServerThatWaitsForTheClientIsLost() throws Exception {
        failures = 2;
        try (CutProxy proxy = CutProxy.before(database);
                var watched = new Watched(login.through(proxy), through(login))) {
            Connection lock = lock();
            FutureTask<?> call = watched.run(WAIT);
            awaitBlocked();
            proxy.wire().lose();
            int before = checks.get();
            lock.close();

            assertEnded(call);
            // One may have begun before the lock was released.
            assertThat(checks.get() - before)
                    .as("four times as many checks after two failures")
                    .isGreaterThanOrEqualTo(4 * CHECKS_OF_A_WAITING_SESSION - 1);
        }
    }

    @Test
    void aSessionThatTheServerHasEndedIsLost() throws Exception {
        try (CutProxy proxy = CutProxy.before(database);
                var watched = new Watched(login.through(proxy), through(login));
                Connection _ = lock()) {
            FutureTask<?> call = watched.run(WAIT);
            awaitBlocked();
            proxy.wire().lose();
            database.query(
                    "SELECT pg_terminate_backend(l.pid, 10000) FROM pg_locks l JOIN pg_database d"
                            + " ON d.oid = database WHERE NOT granted AND d.datname ="
                            + " current_database()");

            assertEnded(call);
        }
    }

    @Test
    void aServerThatCannotBeReachedIsLost() throws Exception {
        try (CutProxy proxy = CutProxy.before(database);
                var watched = new Watched(login.through(proxy), through(login.through(proxy)));
                Connection _ = lock()) {
            FutureTask<?> call = watched.run(WAIT);
            awaitBlocked();
            proxy.wire().lose();
            proxy.refuse();

            assertEnded(call);
        }
    }

    @Test
    void aServerWithoutAFreeConnectionIsNotLost() throws Exception {
        Sessions full =
                () -> {
                    checks.incrementAndGet();
                    throw new SQLException("too many connections", "53300");
                };
        try (var watched = new Watched(login, full)) {
            Connection lock = lock();
            FutureTask<?> call = watched.run(WAIT);
            awaitChecks();
            lock.close();

            call.get();
        }
    }

    /// Before each part the server waits for the client, which is in a call all the time.
    @Test
    void aCopyThatGoesOnIsNotLost() throws Exception {
        database.execute("CREATE TABLE item (a text)");
        GrantedLogins.apply(database);
        try (var watched = new Watched(login, through(login))) {
            FutureTask<?> call =
                    watched.start(
                            () ->
                                    watched.connection
                                            .unwrap(PGConnection.class)
                                            .getCopyAPI()
                                            .copyIn("COPY item FROM STDIN", new SlowRows()));
            call.get();
        }
        assertThat(database.value("SELECT count(*) FROM item")).isEqualTo("" + MANY);
    }

    /// One large row per check.
    private final class SlowRows extends InputStream {

        private static final int BYTES = 1 << 17;

        private int rows;
        private int left;

        @Override
        public int read() {
            throw new UnsupportedOperationException("The driver reads many bytes at once.");
        }

        @Override
        public int read(byte[] buffer, int at, int length) {
            if (left == 0) {
                if (rows == MANY) {
                    return -1;
                }
                int seen = checks.get();
                Awaitility.await().until(() -> checks.get() > seen);
                rows++;
                left = BYTES;
            }
            int read = Math.min(left, length);
            Arrays.fill(buffer, at, at + read, (byte) 'x');
            left -= read;
            if (left == 0) {
                buffer[at + read - 1] = '\n';
            }
            return read;
        }
    }

    @Test
    void aThreadThatWaitsForSomethingElseIsNotWatched() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(1);
        Sessions never =
                () -> {
                    asked.incrementAndGet();
                    return login.session("probe");
                };
        try (var idle = new Watched(login, never);
                var busy = new Watched(login, through(login))) {
            FutureTask<?> waits =
                    idle.start(
                            () -> {
                                done.await();
                                return true;
                            });
            Connection lock = lock();
            FutureTask<?> call = busy.run(WAIT);
            awaitChecks();
            lock.close();
            call.get();
            done.countDown();
            waits.get();
        }
        assertThat(asked).hasValue(0);
    }
}
