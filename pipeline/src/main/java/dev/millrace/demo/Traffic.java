package dev.millrace.demo;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Simulates the shop's application: several writers run realistic transactions at a limited rate
/// until closed. A failed transaction is rolled back, counted by SQLSTATE and logged. A lost
/// connection is reopened, so traffic survives an outage of the source. Counters remain readable
/// after `close`. Thread-safe.
public final class Traffic implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Traffic.class);
    private static final long MILLISECONDS_TO_RECONNECT = 250;
    private static final String NO_STATE = "no SQLSTATE";

    /// @param transactionsPerSecond total rate of all writers
    /// @param seed makes the choices reproducible, but not their timing
    public record Settings(int writers, double transactionsPerSecond, long seed) {

        public Settings {
            if (writers < 1 || !(transactionsPerSecond > 0)) {
                throw new IllegalArgumentException(
                        "Traffic needs at least one writer and a rate above zero, got "
                                + writers
                                + ", "
                                + transactionsPerSecond);
            }
        }

        public static Settings gentle() {
            return new Settings(4, 40, 1);
        }
    }

    /// Opens connections for the writers.
    public interface Source {
        Connection connect() throws SQLException;
    }

    private final Source source;
    private final Settings settings;
    private final ShopWork work;
    private final LongAdder transactions = new LongAdder();
    private final LongAdder rows = new LongAdder();
    private final Map<String, LongAdder> failures = new ConcurrentHashMap<>();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();

    private Traffic(Source source, Settings settings, ShopWork work) {
        this.source = source;
        this.settings = settings;
        this.work = work;
    }

    /// @throws SQLException if the size of the shop cannot be read
    public static Traffic start(Source source, Settings settings) throws SQLException {
        ShopWork work;
        try (Connection connection = source.connect()) {
            work = ShopWork.on(connection);
        }
        Traffic traffic = new Traffic(source, settings, work);
        for (int i = 0; i < settings.writers(); i++) {
            Random random = new Random(settings.seed() + i);
            traffic.threads.add(
                    Thread.ofVirtual().name("traffic-" + i).start(() -> traffic.write(random)));
        }
        return traffic;
    }

    /// Number of committed transactions.
    public long transactions() {
        return transactions.sum();
    }

    /// Number of rows inserted, updated and deleted by committed transactions.
    public long rowsWritten() {
        return rows.sum();
    }

    /// Number of failed transactions by SQLSTATE. A failed COMMIT counts although its effect is
    /// unknown.
    public Map<String, Long> failures() {
        Map<String, Long> counts = new TreeMap<>();
        failures.forEach((state, count) -> counts.put(state, count.sum()));
        return counts;
    }

    /// Stops the writers and waits for their last transactions.
    @Override
    public void close() {
        stopped.countDown();
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void write(Random random) {
        while (stopped.getCount() > 0) {
            try (Connection connection = source.connect()) {
                connection.setAutoCommit(false);
                writeOn(connection, random);
            } catch (SQLException e) {
                failed(e);
                pause(MILLISECONDS_TO_RECONNECT);
            }
        }
    }

    private void writeOn(Connection connection, Random random) throws SQLException {
        double perSecond = settings.transactionsPerSecond() / settings.writers();
        long next = System.nanoTime();
        while (stopped.getCount() > 0) {
            transact(connection, random);
            next += (long) (TimeUnit.SECONDS.toNanos(1) / perSecond * 2 * random.nextDouble());
            long wait = next - System.nanoTime();
            if (wait > 0) {
                pause(TimeUnit.NANOSECONDS.toMillis(wait));
            } else {
                next = System.nanoTime();
            }
        }
    }

    /// @throws SQLException if the connection is lost
    private void transact(Connection connection, Random random) throws SQLException {
        try {
            long written = work.next(connection, random);
            connection.commit();
            transactions.increment();
            rows.add(written);
        } catch (SQLException e) {
            try {
                connection.rollback();
            } catch (SQLException lost) {
                e.addSuppressed(lost);
                throw e;
            }
            failed(e);
        }
    }

    private void failed(SQLException e) {
        String state = e.getSQLState() == null ? NO_STATE : e.getSQLState();
        failures.computeIfAbsent(state, _ -> new LongAdder()).increment();
        // The server's message may quote a row.
        LOG.atWarn().addKeyValue("sqlstate", state).log("a traffic transaction failed");
    }

    private void pause(long milliseconds) {
        try {
            boolean _ = stopped.await(milliseconds, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped.countDown();
        }
    }
}
