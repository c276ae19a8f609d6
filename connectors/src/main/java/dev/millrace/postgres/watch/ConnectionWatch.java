package dev.millrace.postgres.watch;

import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// Detects that the network has lost a connection although no end of it has arrived: a firewall or
/// a proxy has forgotten it, and a proxy answers TCP keep-alive for a server that is gone. The
/// thread that uses the connection waits, so the server is asked through other sessions.
///
/// Checks on its own thread until it is closed or has reported the loss. Thread-safe.
public final class ConnectionWatch implements AutoCloseable {

    /// Opens another session on the same server, in autocommit mode.
    @FunctionalInterface
    public interface Sessions {
        Connection open() throws SQLException;
    }

    /// Compares what the server does with what the client waits for. Confined to the thread of the
    /// watch.
    @FunctionalInterface
    public interface Check {
        /// @return empty if the connection is in use, or if that is unknown
        Optional<Suspicion> run();
    }

    /// A sign that the connection is lost. It is proved by equal signs in consecutive checks.
    ///
    /// @param reason what the failure of the connection says
    /// @param evidence what the server has done until now; while it changes, nothing is proved
    /// @param checks how many equal signs are a proof
    public record Suspicion(String reason, String evidence, int checks) {

        /// The failure of a connection that is proved to be lost.
        public SQLException failure() {
            return new SQLException(reason, SqlState.CONNECTION_DOES_NOT_EXIST.code());
        }
    }

    private final Duration interval;
    private final Check check;
    private final Consumer<Suspicion> lost;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;

    private ConnectionWatch(String name, Duration interval, Check check, Consumer<Suspicion> lost) {
        this.interval = interval;
        this.check = check;
        this.lost = lost;
        this.thread = Thread.ofVirtual().name(name).start(this::watch);
    }

    /// @param lost receives what was proved on the thread of the watch, at most once
    public static ConnectionWatch start(
            String name, Duration interval, Check check, Consumer<Suspicion> lost) {
        return new ConnectionWatch(name, interval, check, lost);
    }

    private void watch() {
        try {
            Optional<Suspicion> last = Optional.empty();
            int equal = 0;
            while (last.isEmpty() || equal < last.get().checks()) {
                if (closed.await(interval.toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
                Optional<Suspicion> found = check.run();
                equal = found.equals(last) ? equal + 1 : 1;
                last = found;
            }
            if (closed.getCount() > 0) {
                lost.accept(last.get());
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed.countDown();
        thread.interrupt();
    }
}
