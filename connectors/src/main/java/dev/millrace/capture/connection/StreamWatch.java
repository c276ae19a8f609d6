package dev.millrace.capture.connection;

import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// Detects that the source no longer serves the replication connection although no end of it has
/// arrived: a firewall or a proxy has lost it. The driver waits for changes without a limit, and a
/// proxy answers TCP keep-alive for a server that is gone. The server ends such a connection after
/// `wal_sender_timeout`, and then nobody streams from the slot. A large transaction that the server
/// decodes keeps the slot in use, however long nothing is sent.
///
/// Reads the slot on its own thread until it is closed. Thread-safe.
public final class StreamWatch implements AutoCloseable {

    /// Opens a session on the source in autocommit mode.
    @FunctionalInterface
    public interface Sessions {
        Connection open() throws SQLException;
    }

    private static final Duration INTERVAL = Duration.ofSeconds(5);

    /// An end that arrives is seen between two checks, unless a batch is being written.
    private static final int CHECKS = 2;

    private final Sessions sessions;
    private final String slot;
    private final Duration interval;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;

    private StreamWatch(
            Sessions sessions,
            String slot,
            Duration interval,
            BooleanSupplier streaming,
            Consumer<SQLException> lost) {
        this.sessions = sessions;
        this.slot = slot;
        this.interval = interval;
        this.thread =
                Thread.ofVirtual().name("stream-watch-" + slot).start(() -> watch(streaming, lost));
    }

    /// @param streaming whether the run has received changes, so that it uses the slot
    /// @param lost receives the failure of the run, at most once
    public static StreamWatch start(
            Sessions sessions,
            String slot,
            BooleanSupplier streaming,
            Consumer<SQLException> lost) {
        return start(sessions, slot, INTERVAL, streaming, lost);
    }

    static StreamWatch start(
            Sessions sessions,
            String slot,
            Duration interval,
            BooleanSupplier streaming,
            Consumer<SQLException> lost) {
        return new StreamWatch(sessions, slot, interval, streaming, lost);
    }

    private void watch(BooleanSupplier streaming, Consumer<SQLException> lost) {
        try {
            int unused = 0;
            while (unused < CHECKS) {
                if (closed.await(interval.toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
                unused = streaming.getAsBoolean() && isUnused() ? unused + 1 : 0;
            }
            lost.accept(
                    new SQLException(
                            "The replication slot is not in use any more, but the capture has"
                                    + " not received the end of its connection",
                            SqlState.CONNECTION_DOES_NOT_EXIST.code()));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// A slot that cannot be read, or that is gone, is for others to report.
    private boolean isUnused() {
        try (Connection session = sessions.open()) {
            Optional<ReplicationSlot> found = ReplicationSlot.find(session, slot);
            return found.isPresent() && !found.get().active();
        } catch (SQLException | DatabaseFailure _) {
            return false;
        }
    }

    @Override
    public void close() {
        closed.countDown();
        thread.interrupt();
    }
}
