package dev.millrace.faults;

import dev.millrace.sandbox.SandboxPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Repeats statements on the source until closed. A failed statement stops the writer; `close`
/// reports it.
final class Writer implements AutoCloseable {

    private final CountDownLatch stop = new CountDownLatch(1);
    private final AtomicLong written = new AtomicLong();
    private final Thread thread;
    private volatile @Nullable SQLException failure;

    Writer(SandboxPostgres server, String database, List<String> statements) {
        thread =
                Thread.ofPlatform().name("writer").start(() -> write(server, database, statements));
    }

    long statements() {
        return written.get();
    }

    private void write(SandboxPostgres server, String database, List<String> statements) {
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement()) {
            while (true) {
                for (String sql : statements) {
                    statement.execute(sql);
                    written.incrementAndGet();
                    if (stop.await(5, TimeUnit.MILLISECONDS)) {
                        return;
                    }
                }
            }
        } catch (SQLException e) {
            failure = e;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws SQLException {
        stop.countDown();
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted before the writer has ended");
        }
        SQLException failed = failure;
        if (failed != null) {
            throw failed;
        }
    }
}
