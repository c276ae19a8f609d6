package dev.millrace.demo;

import dev.millrace.demo.Route.Side;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Simulates the shop's application: several writers run realistic transactions at a limited rate
/// until closed. A transaction that a fence refuses is tried again on the side that is current
/// then. A failed transaction is rolled back, counted by SQLSTATE and logged. A lost connection is
/// reopened, so traffic survives an outage of the source. Counters remain readable after `close`.
/// Thread-safe.
public final class Traffic implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Traffic.class);
    private static final long MILLISECONDS_TO_RECONNECT = 250;
    private static final long MILLISECONDS_TO_TRY_AGAIN = 5;
    private static final String NO_STATE = "no SQLSTATE";

    /// The SQLSTATE of a write on a fenced side.
    private static final String REFUSED = "25006";

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

    private final Route route;
    private final Settings settings;
    private final ShopWork work;
    private final LongAdder transactions = new LongAdder();
    private final Map<Side, LongAdder> rows = new ConcurrentHashMap<>();
    private final Set<UUID> receipts = ConcurrentHashMap.newKeySet();
    private final LongAccumulator longestWait = new LongAccumulator(Math::max, 0);
    private final Map<String, LongAdder> failures = new ConcurrentHashMap<>();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();

    private Traffic(Route route, Settings settings, ShopWork work) {
        this.route = route;
        this.settings = settings;
        this.work = work;
    }

    /// @throws SQLException if the size of the shop cannot be read
    public static Traffic start(Source source, Settings settings) throws SQLException {
        return start(Route.toSource(source), settings);
    }

    static Traffic start(Route route, Settings settings) throws SQLException {
        ShopWork work;
        try (Connection connection = route.connect(Side.SOURCE)) {
            work = ShopWork.on(connection);
        }
        Traffic traffic = new Traffic(route, settings, work);
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
        return rows.values().stream().mapToLong(LongAdder::sum).sum();
    }

    long rowsWritten(Side side) {
        LongAdder written = rows.get(side);
        return written == null ? 0 : written.sum();
    }

    /// The longest time from the first attempt of a transaction to its commit, since the last
    /// reset.
    Duration longestWait() {
        return Duration.ofNanos(longestWait.get());
    }

    void resetLongestWait() {
        longestWait.reset();
    }

    /// Number of committed transactions that the current side does not have.
    ///
    /// @throws SQLException if the receipts cannot be read
    long lost() throws SQLException {
        Set<UUID> missing = new HashSet<>(receipts);
        try (Connection source = route.connect(Side.SOURCE)) {
            Side side = route.current(source);
            try (Connection current = route.connect(side);
                    Statement statement = current.createStatement();
                    ResultSet found =
                            statement.executeQuery(
                                    switch (side) {
                                        case SOURCE -> "SELECT id FROM receipt";
                                        case TARGET -> "SELECT id FROM audit.receipt";
                                    })) {
                while (found.next()) {
                    missing.remove(found.getObject(1, UUID.class));
                }
            }
        }
        return missing.size();
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
            try (TrafficClient client = new TrafficClient(route, work)) {
                writeWith(client, random);
            } catch (SQLException e) {
                failed(e);
                pause(MILLISECONDS_TO_RECONNECT);
            }
        }
    }

    private void writeWith(TrafficClient client, Random random) throws SQLException {
        double perSecond = settings.transactionsPerSecond() / settings.writers();
        long next = System.nanoTime();
        while (stopped.getCount() > 0) {
            transact(client, random.nextLong());
            next += (long) (TimeUnit.SECONDS.toNanos(1) / perSecond * 2 * random.nextDouble());
            long wait = next - System.nanoTime();
            if (wait > 0) {
                pause(TimeUnit.NANOSECONDS.toMillis(wait));
            } else {
                next = System.nanoTime();
            }
        }
    }

    /// @param seed chooses the transaction, so that each attempt makes the same
    /// @throws SQLException if a connection is lost
    private void transact(TrafficClient client, long seed) throws SQLException {
        UUID receipt = UUID.randomUUID();
        long began = System.nanoTime();
        do {
            try {
                TrafficClient.Committed committed = client.transact(receipt, new Random(seed));
                longestWait.accumulate(System.nanoTime() - began);
                receipts.add(receipt);
                rows.computeIfAbsent(committed.side(), _ -> new LongAdder()).add(committed.rows());
                transactions.increment();
                return;
            } catch (SQLException e) {
                try {
                    client.rollBack();
                } catch (SQLException lost) {
                    e.addSuppressed(lost);
                    throw e;
                }
                if (!REFUSED.equals(e.getSQLState())) {
                    failed(e);
                    return;
                }
                pause(MILLISECONDS_TO_TRY_AGAIN);
            }
        } while (stopped.getCount() > 0);
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
