package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.deletedUser;
import static dev.millrace.reconcile.UserMapper.user;
import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The verdict while tables, log and target change: a change in flight is not a mismatch.
class MovingTablesIT {

    private static final String NAME_OF_7 = "SELECT full_name FROM crm.customer WHERE id = 7";

    @AutoClose final UsersScene scene = new UsersScene();

    @Test
    void findsExactlyThePlantedDifferencesWhileAllRowsChange() throws Exception {
        scene.target.execute(
                "UPDATE crm.customer SET amount = 4.5 WHERE id = 3",
                "DELETE FROM crm.customer WHERE id = 4",
                "INSERT INTO crm.customer VALUES (10, 'filtered away', 1)");
        AtomicBoolean stop = new AtomicBoolean();
        Thread writer = Thread.ofVirtual().start(() -> writeUntil(stop));

        TableReport table;
        try {
            table = scene.table();
        } finally {
            stop.set(true);
            writer.join();
        }

        assertThat(keys(table)).containsExactlyInAnyOrder("different 3", "missing 4", "extra 10");
        assertThat(table.undecided()).as(table.cause()).isZero();
    }

    @Test
    void isEqualDuringAndAfterConstantWrites() throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        Thread writer = Thread.ofVirtual().start(() -> writeUntil(stop));

        List<TableReport> underWrites = List.of(scene.table(), scene.table(), scene.table());
        stop.set(true);
        writer.join();

        assertThat(underWrites)
                .allSatisfy(
                        table -> {
                            assertThat(table.mismatches()).isEmpty();
                            assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
                            assertThat(table.sourceRows()).isEqualTo(table.targetRows());
                            assertThat(table.sourceChecksum()).isEqualTo(table.targetChecksum());
                        });
        assertThat(scene.table().inFlight()).isZero();
    }

    /// Updates, soft deletes and their reversal, on all rows except the first ten.
    private void writeUntil(AtomicBoolean stop) {
        for (int i = 0; !stop.get(); i++) {
            scene.progress.throttle();
            int id = 11 + i * 7 % (UsersScene.ROWS - 10);
            if (i % 5 == 0) {
                scene.progress.write(
                        "UPDATE users SET name = NULL, amount = NULL, deleted = true WHERE id = "
                                + id,
                        deletedUser(id));
            } else {
                scene.progress.write(
                        "UPDATE users SET name = 'w%d', amount = %d, deleted = false WHERE id = %d"
                                .formatted(i, i, id),
                        user(id, "w" + i, Integer.toString(i)));
            }
        }
    }

    @Test
    void truncateInFlightTouchesEveryKey() {
        AtomicInteger watermarks = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    int number = watermarks.incrementAndGet();
                    if (number % 2 == 0) {
                        scene.progress.truncate("TRUNCATE users");
                    } else {
                        scene.progress.write(
                                "INSERT INTO users VALUES (1, 'again', 1) ON CONFLICT DO NOTHING",
                                user(1, "again", "1"));
                    }
                    scene.progress.catchUp();
                });

        TableReport table = scene.table();

        assertThat(table.mismatches()).isEmpty();
        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void lagIsNeverAMismatchAndATimeoutIsUndecided() {
        scene.progress.giveUpAfter(Duration.ofSeconds(2));
        scene.progress.pauseApplying(true);
        scene.write(7, "not there yet", "1");

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.mismatches()).isEmpty();
        assertThat(table.cause()).contains("did not catch up");
        assertThat(table.targetRows()).as("unknown is not zero").isNull();
        scene.progress.pauseApplying(false);
        scene.progress.giveUpAfter(Duration.ofSeconds(60));
        assertThat(scene.table().verdict()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void targetThatFallsBehindDuringTheReconciliationIsUndecided() {
        scene.progress.giveUpAfter(Duration.ofSeconds(2));
        scene.target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id = 3");
        AtomicInteger watermarks = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    if (watermarks.incrementAndGet() == 4) {
                        scene.progress.pauseApplying(true);
                    }
                });

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.mismatches()).isEmpty();
    }

    @Test
    void commitThatIsNotVisibleYetIsNotAMismatch() throws Exception {
        scene.writeAndCatchUp(7, "shown");
        try (AutoCloseable _ = hide()) {
            TableReport table = scene.table();

            assertThat(table.mismatches()).isEmpty();
            assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
            assertThat(table.inFlight()).isEqualTo(1);
        }
        assertThat(scene.table().verdict()).isEqualTo(Verdict.EQUAL);
    }

    /// The hidden transaction begins after the last watermark before the read of the key, so no
    /// snapshot contains it until the next watermark is committed.
    @Test
    void hiddenCommitWithTheHighestIdIsNotAMismatch() throws Exception {
        AtomicInteger watermarks = new AtomicInteger();
        List<AutoCloseable> hidden = new ArrayList<>();
        scene.progress.afterEachWatermark(
                () -> {
                    int number = watermarks.incrementAndGet();
                    if (number == 2) {
                        scene.writeAndCatchUp(7, "seen");
                    } else if (number == 4) {
                        hidden.add(hide());
                    }
                });

        TableReport table = scene.table();

        assertThat(hidden).hasSize(1);
        hidden.getFirst().close();
        assertThat(table.mismatches()).isEmpty();
        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
    }

    /// A hidden commit that is applied and has the highest transaction id.
    private AutoCloseable hide() {
        AutoCloseable hidden =
                scene.progress.writeInvisibly(
                        "UPDATE users SET name = 'hidden' WHERE id = 7",
                        user(7, "hidden", "10.50"));
        await().until(() -> "hidden".equals(scene.target.value(NAME_OF_7)));
        return hidden;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void commitThatIsNotVisibleDoesNotHideAMismatch(boolean newGeneration) throws Exception {
        if (newGeneration) {
            scene.writeAndCatchUp(5, "of the generation before");
            scene.progress.beginGeneration();
        }
        scene.progress.writeUnlogged("UPDATE users SET name = 'lost' WHERE id = 9");
        try (AutoCloseable _ =
                scene.progress.writeInvisibly(
                        "UPDATE users SET name = 'hidden' WHERE id = 7",
                        user(7, "hidden", "10.50"))) {
            scene.progress.catchUp();

            assertThat(keys(scene.table())).containsExactly("different 9");
        }
    }

    @Test
    void decidesWhenTheTransactionsInTheLogAreUnknown() throws Exception {
        scene.progress.reportEveryTransactionDelivered();
        scene.progress.writeUnlogged("UPDATE users SET name = 'lost' WHERE id = 9");
        try (Connection open = scene.source.connect()) {
            open.setAutoCommit(false);
            open.createStatement().execute("UPDATE users SET name = 'open' WHERE id = 7");

            assertThat(keys(scene.table())).containsExactly("different 9");
        }
    }

    @Test
    void openTransactionThatIsNotInTheLogDoesNotDelayTheVerdict() throws Exception {
        scene.target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id = 3");
        try (var connection = scene.source.connect()) {
            connection.setAutoCommit(false);
            connection.createStatement().execute("UPDATE users SET name = 'x' WHERE id = 7");

            TableReport table = scene.table();

            assertThat(keys(table)).containsExactly("different 3");
            assertThat(table.inFlight()).isZero();
        }
    }
}
