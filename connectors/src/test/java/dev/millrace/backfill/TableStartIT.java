package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TableStartIT {

    private static final TableId ITEM = new TableId("public", "item");
    private static final WatermarkNumber MARK = new WatermarkNumber(1, 5);

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final Database database = GrantedLogins.capture("m", source).database("test");
    private final Windows windows = new Windows(1 << 20);
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile Optional<String> waitsFor = Optional.empty();

    /// Runs on the source just before the watermark passes.
    private Runnable beforeTheMark = () -> {};

    @AfterEach
    void close() {
        stopped.countDown();
        database.close();
    }

    private final class Access implements CaptureAccess {
        @Override
        public WatermarkNumber emitWatermark() {
            beforeTheMark.run();
            windows.watermark(MARK);
            return MARK;
        }

        @Override
        public Predicate<RunningTransactions> deliveredAsOfNow() {
            return _ -> false;
        }

        @Override
        public BackfillState state() {
            return new BackfillState(1, 1 << 20);
        }
    }

    private CompletableFuture<Boolean> start() {
        TableStart start =
                new TableStart(
                        database,
                        "millrace_test",
                        windows,
                        new Access(),
                        delay -> !stopped.await(delay.toMillis(), TimeUnit.MILLISECONDS),
                        found -> waitsFor = found);
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return start.await(List.of(ITEM));
                    } catch (SQLException | InterruptedException | Windows.Discarded e) {
                        throw new IllegalStateException(e);
                    }
                });
    }

    private void published() {
        source.execute(
                "CREATE TABLE item (id int PRIMARY KEY)",
                "CREATE PUBLICATION millrace_test FOR TABLE item");
    }

    private void awaitWaiting(String pattern) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> waitsFor.filter(text -> text.matches(pattern)).isPresent());
    }

    private static Connection writing(TestDatabase database) throws SQLException {
        Connection writer = database.connect();
        writer.setAutoCommit(false);
        try (Statement statement = writer.createStatement()) {
            statement.execute("SELECT pg_current_xact_id()");
        }
        return writer;
    }

    /// Sequences "Committed, never delivered, not yet visible" and "Written before the table was
    /// published". The login does not see when transactions of other roles began.
    @Test
    void waitsForATransactionThatWasOpenBefore() throws Exception {
        published();
        try (Connection writer = writing(source)) {
            CompletableFuture<Boolean> started = start();
            awaitWaiting("pid \\d+ of \\w+\\. End them, or wait until they end");
            assertThat(started).isNotDone();

            writer.rollback();

            assertThat(started).succeedsWithin(Waits.LIMIT).isEqualTo(true);
            assertThat(waitsFor).isEmpty();
        }
    }

    /// A snapshot does not list the running transaction with the highest id.
    @Test
    void waitsForATransactionThatBeganBeforeTheWatermarkPassed() throws Exception {
        published();
        Connection[] writer = new Connection[1];
        beforeTheMark =
                () -> {
                    try {
                        writer[0] = writing(source);
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                };

        CompletableFuture<Boolean> started = start();
        awaitWaiting("pid .*");
        assertThat(started).isNotDone();
        writer[0].commit();

        assertThat(started).succeedsWithin(Waits.LIMIT).isEqualTo(true);
        writer[0].close();
    }

    @Test
    void waitsForAPreparedTransaction() throws Exception {
        published();
        source.execute("BEGIN", "INSERT INTO item VALUES (1)", "PREPARE TRANSACTION 'start''s'");

        CompletableFuture<Boolean> started = start();
        awaitWaiting("prepared transaction 'start''s' of \\w+ since .*Z\\. End them.*");
        assertThat(started).isNotDone();
        source.execute("COMMIT PREPARED 'start''s'");

        assertThat(started).succeedsWithin(Waits.LIMIT).isEqualTo(true);
    }

    @Test
    void doesNotWaitForOtherDatabasesOrLaterTransactions() throws Exception {
        published();
        try (Connection elsewhere = writing(PostgresServer.shared().newDatabase());
                Connection older = writing(source)) {
            CompletableFuture<Boolean> started = start();
            awaitWaiting("pid .*");
            try (Connection later = writing(source)) {
                older.commit();

                assertThat(started).succeedsWithin(Waits.LIMIT).isEqualTo(true);
                later.rollback();
            }
            elsewhere.rollback();
        }
    }

    @Test
    void waitsForThePublication() throws Exception {
        source.execute(
                "CREATE TABLE item (id int PRIMARY KEY)",
                "CREATE TABLE other (id int PRIMARY KEY)",
                "CREATE PUBLICATION millrace_test FOR TABLE other");
        CountDownLatch marked = new CountDownLatch(1);
        beforeTheMark = marked::countDown;
        CompletableFuture<Boolean> started = start();
        awaitWaiting("publication millrace_test to contain public\\.item\\. .*");
        assertThat(marked.getCount()).as("watermarks").isOne();

        source.execute("ALTER PUBLICATION millrace_test ADD TABLE item");

        assertThat(started).succeedsWithin(Waits.LIMIT).isEqualTo(true);
    }

    /// The publication contains the renamed table under its other name.
    @Test
    void saysThatItWaitsForARenamedTable() throws Exception {
        published();
        source.execute("ALTER TABLE item RENAME TO item_old");
        CompletableFuture<Boolean> started = start();
        awaitWaiting(".* public\\.item\\. If a table was renamed or moved, restore its name");

        source.execute("ALTER TABLE item_old RENAME TO item");

        assertThat(started).succeedsWithin(Waits.LIMIT).isEqualTo(true);
        assertThat(waitsFor).isEmpty();
    }

    @Test
    void endsWhenTheComponentStops() throws Exception {
        published();
        try (Connection writer = writing(source)) {
            CompletableFuture<Boolean> started = start();
            awaitWaiting("pid .*");

            stopped.countDown();

            assertThat(started).succeedsWithin(Waits.LIMIT).isEqualTo(false);
            writer.rollback();
        }
    }
}
