package dev.millrace.faults.harness;

import dev.millrace.testing.TestDatabase;
import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.postgresql.PGConnection;

/// The writers of a run. Each has its own connection and its own random numbers from the run's
/// seed, so a seed gives the same statements; when they commit depends on the machine. The source
/// refuses none of them: a failure is a fault of the migration, which must not disturb its source.
final class Workload implements AutoCloseable {

    static final int ACCOUNTS = 40;
    static final long BALANCE = 1_000;
    private static final int ITEMS = 300;
    private static final int FIRST_BULK = 600;

    /// A soak of hours keeps a table of this size.
    private static final int MOST_BULK = 20_000;

    /// Longer than the smallest value that PostgreSQL stores out of line.
    private static final int LARGE = 3_000;

    /// A source table of the run, with what it is filled with.
    private static final List<String> TABLES =
            List.of(
                    "CREATE TABLE checking (id int PRIMARY KEY, balance bigint NOT NULL, version bigint"
                            + " NOT NULL)",
                    "CREATE TABLE savings (LIKE checking INCLUDING ALL)",
                    "CREATE TABLE ledger (writer int, seq bigint, note text NOT NULL, PRIMARY KEY"
                            + " (writer, seq))",
                    "CREATE TABLE item (id int PRIMARY KEY, version bigint NOT NULL, hidden boolean NOT"
                            + " NULL, body text NOT NULL)",
                    "ALTER TABLE item ALTER body SET STORAGE EXTERNAL",
                    "CREATE TABLE bulk (id bigint PRIMARY KEY, version bigint NOT NULL, payload text"
                            + " NOT NULL)");

    private static final List<String> ROWS =
            List.of(
                    "INSERT INTO checking SELECT g, %d, 1 FROM generate_series(1, %d) g"
                            .formatted(BALANCE, ACCOUNTS),
                    "INSERT INTO savings SELECT g, %d, 1 FROM generate_series(1, %d) g"
                            .formatted(BALANCE, ACCOUNTS),
                    "INSERT INTO item SELECT g, 1, g %% 3 = 0, repeat(md5(g::text), %d) FROM"
                                    .formatted(LARGE / 32)
                            + " generate_series(1, %d) g".formatted(ITEMS),
                    "INSERT INTO bulk SELECT g, 1, md5(g::text) FROM generate_series(1, %d) g"
                            .formatted(FIRST_BULK));

    /// One turn of a writer: one transaction or several.
    @FunctionalInterface
    private interface Turn {
        void run(Connection connection, Random random) throws SQLException, IOException;
    }

    private final TestDatabase source;
    private final long seed;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final AtomicLong transactions = new AtomicLong();

    /// Beginnings and ends of outages.
    private final AtomicLong outages = new AtomicLong();

    private Workload(TestDatabase source, long seed) {
        this.source = source;
        this.seed = seed;
    }

    static void create(TestDatabase source) {
        source.execute(TABLES.toArray(String[]::new));
        source.execute(ROWS.toArray(String[]::new));
    }

    static Workload start(TestDatabase source, long seed) {
        Workload workload = new Workload(source, seed);
        for (int writer = 0; writer < 2; writer++) {
            int number = writer;
            AtomicLong seq = new AtomicLong();
            workload.run(
                    "transfers-" + number,
                    20,
                    (connection, random) -> transfer(connection, random, number, seq));
        }
        workload.run("items", 15, new Items()::change);
        workload.run("bulk", 250, new Bulk()::load);
        AtomicLong seq = new AtomicLong();
        workload.run("long", 100, (connection, random) -> workload.hold(connection, random, seq));
        return workload;
    }

    /// @param pause mean milliseconds between two turns
    private void run(String name, int pause, Turn turn) {
        Random random = new Random(seed * 31 + name.hashCode());
        threads.add(
                Thread.ofPlatform()
                        .name(name)
                        .start(
                                () -> {
                                    boolean ended = false;
                                    while (!ended) {
                                        ended = turns(name, pause, random, turn);
                                    }
                                }));
    }

    /// @return false when an outage has ended the session
    private boolean turns(String name, int pause, Random random, Turn turn) {
        long before = outages.get();
        try (Connection connection = source.connect()) {
            while (!pause(random.nextInt(2 * pause))) {
                long now = outages.get();
                turn.run(connection, random);
                transactions.incrementAndGet();
                // The session has survived every outage that was over before this turn.
                before = now;
            }
            return true;
        } catch (SQLException | IOException | RuntimeException e) {
            if (outages.get() > before || before % 2 == 1) {
                return pause(pause);
            }
            failures.add(name + ": " + e);
            return true;
        }
    }

    /// Does something to the source during which the writers cannot reach it.
    <T> T outage(Callable<T> what) throws InterruptedException {
        outages.incrementAndGet();
        try {
            return what.call();
        } catch (InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        } finally {
            outages.incrementAndGet();
        }
    }

    /// Whether the workload ends.
    private boolean pause(int millis) {
        try {
            return stop.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private static void transfer(Connection connection, Random random, int writer, AtomicLong seq)
            throws SQLException {
        int amount = 1 + random.nextInt(20);
        // In the order of the tables, one row each: no deadlock.
        transaction(
                connection,
                "UPDATE checking SET balance = balance - %d, version = version + 1 WHERE id = %d"
                        .formatted(amount, 1 + random.nextInt(ACCOUNTS)),
                "UPDATE savings SET balance = balance + %d, version = version + 1 WHERE id = %d"
                        .formatted(amount, 1 + random.nextInt(ACCOUNTS)),
                "INSERT INTO ledger VALUES (%d, %d, 'transfer of %d')"
                        .formatted(writer, seq.incrementAndGet(), amount));
    }

    /// Items appear, change, hide, disappear, return and change their key. A version never returns
    /// to an earlier value, so an older row is recognised even after its item was deleted.
    private static final class Items {

        private final AtomicLong version = new AtomicLong(1);

        void change(Connection connection, Random random) throws SQLException {
            int id = 1 + random.nextInt(ITEMS);
            long next = version.incrementAndGet();
            switch (random.nextInt(8)) {
                case 0, 1 ->
                        transaction(
                                connection,
                                "UPDATE item SET version = %d WHERE id = %d".formatted(next, id));
                case 2 ->
                        transaction(
                                connection,
                                "UPDATE item SET version = %d, hidden = NOT hidden WHERE id = %d"
                                        .formatted(next, id));
                case 3 ->
                        transaction(
                                connection,
                                "UPDATE item SET version = %d, body = repeat(md5('%d'), %d) WHERE id = %d"
                                        .formatted(next, next, random.nextInt(LARGE / 16), id));
                case 4 -> transaction(connection, "DELETE FROM item WHERE id = " + id);
                case 5, 6 -> {
                    String rows =
                            random.ints(1 + random.nextInt(6), 1, ITEMS + 1)
                                    .distinct()
                                    .mapToObj(
                                            each ->
                                                    "(%d, %d, false, repeat('%d ', %d))"
                                                            .formatted(
                                                                    each,
                                                                    next,
                                                                    next,
                                                                    random.nextInt(LARGE / 4)))
                                    .collect(Collectors.joining(", "));
                    transaction(
                            connection,
                            "INSERT INTO item VALUES " + rows + " ON CONFLICT DO NOTHING");
                }
                default -> {
                    int to = 1 + random.nextInt(ITEMS);
                    transaction(
                            connection,
                            "DELETE FROM item WHERE id = " + to,
                            "UPDATE item SET id = %d, version = %d WHERE id = %d"
                                    .formatted(to, next, id));
                }
            }
        }
    }

    /// Rows in hundreds: a COPY, an INSERT of many rows, an update and a delete of many rows. They
    /// are longer than a batch of the engine.
    private static final class Bulk {

        private long last = FIRST_BULK;
        private long version = 1;

        void load(Connection connection, Random random) throws SQLException, IOException {
            int count = 100 + random.nextInt(200);
            long first = last + 1;
            version++;
            switch (random.nextInt(4)) {
                case 0, 1 -> {
                    last += count;
                    connection
                            .unwrap(PGConnection.class)
                            .getCopyAPI()
                            .copyIn(
                                    "COPY bulk FROM STDIN",
                                    new StringReader(
                                            rows(first, "%d\t" + version + "\tcopied\n", "")));
                }
                case 2 -> {
                    last += count;
                    transaction(
                            connection,
                            "INSERT INTO bulk VALUES "
                                    + rows(first, "(%d, " + version + ", 'inserted')", ", "));
                }
                default -> {
                    long from = random.nextLong(last);
                    transaction(
                            connection,
                            "UPDATE bulk SET version = %d WHERE id BETWEEN %d AND %d"
                                    .formatted(version, from, from + count),
                            "DELETE FROM bulk WHERE id BETWEEN %d AND %d OR id <= %d"
                                    .formatted(from - 20, from - 1, last - MOST_BULK));
                }
            }
        }

        private String rows(long first, String row, String separator) {
            return LongStream.rangeClosed(first, last)
                    .mapToObj(row::formatted)
                    .collect(Collectors.joining(separator));
        }
    }

    /// A transaction that is open for seconds while others commit, and is rolled back sometimes.
    private void hold(Connection connection, Random random, AtomicLong seq) throws SQLException {
        long first = seq.get();
        boolean commits = random.nextInt(4) > 0;
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            for (int step : IntStream.range(0, 4).toArray()) {
                statement.execute(
                        "INSERT INTO ledger VALUES (9, %d, 'step %d')"
                                .formatted(seq.incrementAndGet(), step));
                pause(random.nextInt(800));
            }
            if (commits) {
                connection.commit();
            } else {
                connection.rollback();
                seq.set(first);
            }
        } finally {
            connection.setAutoCommit(true);
        }
    }

    private static void transaction(Connection connection, String... statements)
            throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
            connection.commit();
        } finally {
            connection.setAutoCommit(true);
        }
    }

    /// What the source refused.
    List<String> failures() {
        return List.copyOf(failures);
    }

    long transactions() {
        return transactions.get();
    }

    /// Ends every writer after its turn.
    @Override
    public void close() {
        stop.countDown();
        try {
            for (Thread thread : threads) {
                if (!thread.join(Duration.ofSeconds(30))) {
                    throw new IllegalStateException(thread.getName() + " does not end");
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
