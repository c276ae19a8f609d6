package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.deletedUser;
import static dev.millrace.reconcile.UserMapper.userWithUnchangedName;
import static dev.millrace.reconcile.UserMapper.userWithWideUnmappedCell;
import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A key that is written before every read of it is decided from the log, or stays undecided.
class HotKeysIT {

    @AutoClose private final UsersScene scene = new UsersScene();

    @Test
    void decidesAHotKeyFromTheLogAndNeverReportsItAsDifferent() {
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> scene.writeAndCatchUp(7, "hot " + version.incrementAndGet()));

        TableReport table = scene.table();

        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.inFlight()).isEqualTo(1);
        assertThat(table.fromLog()).isEqualTo(1);
        assertThat(table.sourceRows()).isEqualTo(table.targetRows());
        assertThat(table.sourceChecksum()).isEqualTo(table.targetChecksum());
        assertThat(version.get()).as("reads of the key").isGreaterThan(2 * scene.limits.rounds());
    }

    @Test
    void neverReportsAWronglyMappedHotKeyAsEqual() {
        scene.mapping =
                UserMapper.mapping("CASE WHEN name LIKE 'hot%' THEN name || '!' ELSE name END");
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> scene.writeAndCatchUp(7, "hot " + version.incrementAndGet()));

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.undecided()).isEqualTo(1);
        assertThat(table.fromLog()).isZero();
        assertThat(table.cause()).contains("what the SELECT gives");
        assertThat(table.sourceChecksum()).isNotEqualTo(table.targetChecksum());
    }

    @Test
    void neverReportsAWronglyFilteredHotKeyAsEqual() {
        scene.mapping = UserMapper.mapping("name", "NOT deleted OR id = 7");
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(() -> deleteSoftlyAndCatchUp(version.incrementAndGet()));

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("what the SELECT gives");
    }

    private void deleteSoftlyAndCatchUp(int version) {
        scene.progress.write(
                "UPDATE users SET deleted = true, name = 'v%d' WHERE id = 7".formatted(version),
                deletedUser(7));
        scene.progress.catchUp();
    }

    @Test
    void reportsAHotKeyWithLostChangesAsDifferent() {
        AtomicInteger version = new AtomicInteger();
        scene.progress.applyOnly(event -> event instanceof ChangeEvent.Watermark);
        scene.progress.afterEachWatermark(
                () -> scene.writeAndCatchUp(7, "hot " + version.incrementAndGet()));

        TableReport table = scene.table();

        assertThat(keys(table)).containsExactly("different 7");
        assertThat(table.mismatches().getFirst().columns()).containsExactly("full_name");
        assertThat(table.mismatches().getFirst().cause()).contains("kept changing");
    }

    @Test
    void completesAPartialHotKeyFromAnOlderImage() {
        AtomicInteger version = new AtomicInteger();
        scene.write(7, "named", "0");
        scene.progress.catchUp();
        scene.progress.afterEachWatermark(() -> writeAmountAndCatchUp(version.incrementAndGet()));

        assertThat(scene.table().verdict()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void partialHotKeyIsUndecided() {
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(() -> writeAmountAndCatchUp(version.incrementAndGet()));

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.undecided()).isEqualTo(1);
        assertThat(table.inFlight()).isEqualTo(1);
        assertThat(table.cause()).contains("part of its row");
    }

    /// Each read emits two watermarks: the source is read after the first, the target after the
    /// second.
    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true"})
    void hotKeyWithATooWideRowIsUndecidedWithTheReason(boolean onSource, boolean onTarget) {
        scene.limits = new ReconcileLimits(2, Duration.ZERO, 1_000, 1_000);
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    int number = version.incrementAndGet();
                    boolean wide = number % 2 == 1 ? onSource : onTarget;
                    scene.writeAndCatchUp(7, "x".repeat(wide ? 2_000 : 1) + number);
                });

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.undecided()).isEqualTo(1);
        assertThat(table.cause()).contains("wider rows were in flight");
    }

    /// The rows on both sides are narrow. Whether the change was applied cannot be said without the
    /// image of the log.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void hotKeyWhoseImageInTheLogIsTooWideIsUndecided(boolean applied) {
        scene.limits = new ReconcileLimits(2, Duration.ZERO, 1_000, 1_000);
        AtomicInteger version = new AtomicInteger();
        if (!applied) {
            scene.progress.applyOnly(event -> event instanceof ChangeEvent.Watermark);
        }
        scene.progress.afterEachWatermark(
                () -> {
                    String name = "hot " + version.incrementAndGet();
                    scene.progress.write(
                            "UPDATE users SET name = '%s', amount = 1 WHERE id = 7".formatted(name),
                            userWithWideUnmappedCell(7, name, "1", 2_000));
                    scene.progress.catchUp();
                });

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.undecided()).isEqualTo(1);
        assertThat(table.different()).isZero();
        assertThat(table.fromLog()).isZero();
        assertThat(table.cause()).contains("wider rows were in flight");
    }

    private void writeAmountAndCatchUp(int amount) {
        scene.progress.write(
                "UPDATE users SET amount = %d WHERE id = 7".formatted(amount),
                userWithUnchangedName(7, Integer.toString(amount)));
        scene.progress.catchUp();
    }
}
