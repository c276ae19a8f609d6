package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import dev.millrace.throttle.Throttle.Limit;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BackfillIT {

    private final TestDatabase source = PostgresServer.shared().newDatabase();

    private static void items(TestDatabase source, int rows) {
        source.execute(
                "CREATE TABLE item (id int PRIMARY KEY, a int, big text)",
                "ALTER TABLE item ALTER big SET STORAGE EXTERNAL",
                insert(rows));
    }

    private static String insert(int rows) {
        return "INSERT INTO item SELECT g, g, repeat(md5(g::text), CASE WHEN g % 3 = 0 THEN 90 ELSE 1 END)"
                + " FROM generate_series(1, "
                + rows
                + ") g";
    }

    private void partitionedItems(int rows) {
        source.execute(
                "CREATE TABLE item (id int PRIMARY KEY, a int, big text) PARTITION BY RANGE (id)",
                "CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM (MINVALUE) TO (1000)",
                "CREATE TABLE item_2 PARTITION OF item FOR VALUES FROM (1000) TO (MAXVALUE)",
                "ALTER TABLE item_1 ALTER big SET STORAGE EXTERNAL",
                "ALTER TABLE item_2 ALTER big SET STORAGE EXTERNAL",
                insert(rows));
    }

    @Test
    void readsEveryRowAndReportsIt() throws Exception {
        items(source, 3_000);
        source.execute("ANALYZE item");
        try (BackfillScene scene = new BackfillScene(source, null)) {
            scene.start();
            scene.awaitDone();

            scene.requireEqual();
            assertThat(scene.rowsWritten()).isEqualTo(3_000);
            assertThat(scene.backfill.state().tables())
                    .containsExactly(
                            new Backfill.TableProgress(
                                    BackfillScene.ITEM, 3_000, OptionalLong.of(3_000), true));
        }
    }

    @Test
    void readsEveryPartition() throws Exception {
        partitionedItems(3_000);
        try (BackfillScene scene = new BackfillScene(source, null)) {
            scene.start();
            scene.awaitDone();

            scene.requireEqual();
        }
    }

    /// Random writers move rows between pages, change keys, leave TOASTed values unchanged, empty
    /// and rewrite the table; capture runs end before their batch is written.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void theLogEqualsTheSourceWhateverHappensMeanwhile(long seed) throws Exception {
        if (seed == 2) {
            partitionedItems(2_000);
        } else {
            items(source, 2_000);
        }
        AtomicBoolean writing = new AtomicBoolean(true);
        try (BackfillScene scene = new BackfillScene(source, new Random(seed))) {
            scene.pace.pause();
            scene.pace.throttle(Limit.ofRows(1_500));
            AtomicLong transactions = new AtomicLong();
            List<CompletableFuture<Void>> writers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Random random = new Random(31 * seed + i);
                writers.add(
                        CompletableFuture.runAsync(
                                () -> write(random, writing, transactions, true)));
            }
            scene.start();
            Awaitility.await().atMost(Waits.LIMIT).until(() -> transactions.get() > 50);
            scene.pace.resume();
            scene.awaitDone();
            writing.set(false);
            writers.forEach(CompletableFuture::join);

            scene.requireEqual();
            assertThat(scene.discarded.get()).isPositive();
        }
    }

    /// Each time when about 250 keys await their read, the table begins again: first while no row
    /// is read, then after a part of its ranges was read. About 650 rows have an unchanged cell, so
    /// only the update of all rows exceeds the limit, and not the writers.
    @ParameterizedTest
    @ValueSource(longs = {4, 5})
    void keysThatExceedTheirMemoryAreReadWithTheirTable(long seed) throws Exception {
        items(source, 2_000);
        AtomicBoolean writing = new AtomicBoolean(true);
        try (BackfillScene scene = new BackfillScene(source, new Random(seed), 100_000)) {
            scene.pace.pause();
            scene.pace.throttle(Limit.ofRows(500));
            List<CompletableFuture<Void>> writers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Random random = new Random(31 * seed + i);
                writers.add(
                        CompletableFuture.runAsync(
                                () -> write(random, writing, new AtomicLong(), false)));
            }
            scene.start();
            try {
                await().until(() -> scene.state.isStarted(BackfillScene.ITEM));
                updateUntilItBeginsAgain(scene);
                scene.pace.resume();
                for (int i = 0; i < 4; i++) {
                    long rows = scene.rowsWritten();
                    await().until(() -> scene.rowsWritten() > rows);
                    updateUntilItBeginsAgain(scene);
                }
            } finally {
                writing.set(false);
            }
            writers.forEach(CompletableFuture::join);
            scene.pace.throttle(Limit.NONE);

            scene.requireEqual();
        }
    }

    private void updateUntilItBeginsAgain(BackfillScene scene) {
        long before = scene.state.beginnings();
        // The lock prevents deadlocks with the writers, who may have deleted many rows.
        source.execute(
                "BEGIN; LOCK TABLE item IN EXCLUSIVE MODE; "
                        + insert(2_000)
                        + " ON CONFLICT DO NOTHING; UPDATE item SET a = a + 1; COMMIT");
        await().until(() -> scene.state.beginnings() > before);
    }

    private void write(
            Random random, AtomicBoolean writing, AtomicLong transactions, boolean truncates) {
        try (Connection connection = source.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            while (writing.get()) {
                try {
                    for (int i = 0; i < 1 + random.nextInt(4); i++) {
                        statement.execute(change(random, truncates));
                    }
                    if (random.nextInt(10) == 0) {
                        connection.rollback();
                    } else {
                        connection.commit();
                    }
                    transactions.incrementAndGet();
                } catch (SQLException _) {
                    connection.rollback();
                }
                // The capture of the test must keep up.
                LockSupport.parkNanos(5_000_000);
                if (random.nextInt(60) == 0) {
                    source.execute(random.nextInt(3) == 0 ? "VACUUM FULL item" : "VACUUM item");
                }
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String change(Random random, boolean truncates) {
        int id = 1 + random.nextInt(2_000);
        String some = " WHERE id IN (" + id + ", " + (id + 1) + ", " + (id + 40) + ")";
        return switch (random.nextInt(20)) {
            case 0, 1, 2, 3, 4, 5, 6 -> "UPDATE item SET a = a + 1" + some;
            case 7, 8 ->
                    "UPDATE item SET big = repeat('" + random.nextInt(1_000) + "b', 1500)" + some;
            case 9, 10 -> "UPDATE item SET a = NULL, big = 'small" + id + "'" + some;
            case 11, 12 -> "DELETE FROM item WHERE id = " + id;
            case 13, 14, 15 ->
                    "INSERT INTO item VALUES ("
                            + id
                            + ", 0, repeat('new', "
                            + random.nextInt(2_000)
                            + "))";
            case 16, 17, 18 ->
                    "UPDATE item SET id = " + (random.nextInt(4_000)) + " WHERE id = " + id;
            default ->
                    random.nextInt(40) == 0 && truncates
                            ? "TRUNCATE item"
                            : "UPDATE item SET a = a + 1 WHERE id BETWEEN "
                                    + id
                                    + " AND "
                                    + (id + 100);
        };
    }

    /// Sequence "Visible order is not WAL order": a transaction is in the stream before the window
    /// is opened, and is not visible to its read.
    @Test
    void aCommitThatIsInTheLogButNotVisibleIsWaitedFor() throws Exception {
        SandboxSettings settings =
                SandboxSettings.fast(TestFolders.postgresBinaries()).with("wal_level", "logical");
        try (SandboxPostgres server =
                SandboxPostgres.start(TestFolders.create("hidden").resolve("source"), settings)) {
            server.createDatabase("shop", "LOCALE 'C'");
            TestDatabase shop =
                    new TestDatabase(server.jdbcUrl("shop"), server.username(), server.password());
            items(shop, 30);
            try (BackfillScene scene = new BackfillScene(shop, null)) {
                scene.start();
                scene.pace.pause();
                await().until(() -> scene.state.isStarted(BackfillScene.ITEM));
                shop.hideCommits();
                CompletableFuture<Void> hidden =
                        CompletableFuture.runAsync(() -> updateAndWait(shop));
                await().until(() -> scene.isDelivered() && waitsForAStandby(shop));

                scene.pace.resume();
                await().during(Duration.ofMillis(700)).until(() -> scene.rowsWritten() == 0);
                shop.showCommits();
                hidden.join();

                scene.awaitDone();
                scene.requireEqual();
            }
        }
    }

    private static ConditionFactory await() {
        return Awaitility.await().atMost(Waits.LIMIT);
    }

    private static boolean waitsForAStandby(TestDatabase database) {
        return "1"
                .equals(
                        database.value(
                                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"));
    }

    private static void updateAndWait(TestDatabase database) {
        database.execute("SET synchronous_commit = on", "UPDATE item SET a = -1, big = 'x'");
    }

    @Test
    void aPauseTakesEffectWithinASecondAndLeavesNoTransactionOpen() throws Exception {
        items(source, 3_000);
        try (BackfillScene scene = new BackfillScene(source, null)) {
            scene.pace.throttle(Limit.ofRows(500));
            scene.start();
            await().until(() -> scene.rowsWritten() > 0);

            scene.pace.pause();

            Awaitility.await()
                    .atMost(Duration.ofSeconds(1))
                    .until(() -> "0".equals(openTransactions()));
            long rows = scene.rowsWritten();
            Awaitility.await()
                    .during(Duration.ofMillis(800))
                    .until(
                            () ->
                                    "0".equals(openTransactions())
                                            && scene.rowsWritten() <= rows + 600);
            assertThat(scene.backfill.state().paused()).isTrue();
            assertThat(scene.backfill.state().isDone()).isFalse();
            scene.pace.throttle(Limit.NONE);
            scene.pace.resume();
            scene.awaitDone();
            scene.requireEqual();
            assertThat(scene.rowsWritten()).isEqualTo(3_000);
        }
    }

    private String openTransactions() {
        return source.value(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                + " AND application_name = 'millrace test backfill' AND xact_start IS NOT NULL")
                + "";
    }

    @Test
    void aRestartReadsOnlyWhatIsMissing() throws Exception {
        items(source, 3_000);
        try (BackfillScene scene = new BackfillScene(source, null)) {
            scene.pace.throttle(Limit.ofRows(2_000));
            scene.start();
            await().until(() -> scene.rowsWritten() > 1_000);
            scene.restartBackfill();
            scene.pace.throttle(Limit.NONE);
            scene.awaitDone();

            scene.requireEqual();
            // Each of two readers has at most one window of a reader's share of a second.
            assertThat(scene.rowsWritten()).isBetween(3_000L, 3_000L + 2 * 1_000);
        }
    }
}
