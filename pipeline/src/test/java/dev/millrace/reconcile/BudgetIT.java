package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.reconcile.ReconcileContext.ReconcileLimits.Budget;
import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What a comparison costs follows the budget; what it finds does not.
class BudgetIT {

    private static final int PLANNED = 27;
    private static final Budget LONG_READS = new Budget(Duration.ofMinutes(1), 1);
    private static final Budget SHORT_READS = new Budget(Duration.ofNanos(1), 1);

    @AutoClose private final UsersScene scene = new UsersScene();

    private final AtomicInteger watermarks = new AtomicInteger();

    @BeforeEach
    void countWatermarks() {
        scene.analyze();
        scene.progress.afterEachWatermark(watermarks::incrementAndGet);
    }

    @Test
    void chunksThatAreReadFastAreReadTogether() {
        scene.limits = UsersScene.inChunks(10, 1_000).within(LONG_READS, 2);

        TableReport table = scene.table();

        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(watermarks.get()).isLessThan(2 * PLANNED);
        assertThat(table.sourceRows()).isEqualTo(270).isEqualTo(table.targetRows());
        assertThat(table.chunks()).hasSize(watermarks.get() / 2);
        assertThat(table.chunks().getFirst().from()).isNull();
        assertThat(table.chunks().getLast().to()).isNull();
        for (int i = 1; i < table.chunks().size(); i++) {
            assertThat(table.chunks().get(i).from()).isEqualTo(table.chunks().get(i - 1).to());
        }
        assertThat(table.chunks().stream().mapToLong(ChunkReport::rows).sum()).isEqualTo(270);
    }

    @Test
    void differencesInChunksThatAreReadTogetherAreFound() {
        scene.limits = UsersScene.inChunks(10, 1_000).within(LONG_READS, 2);
        scene.target.execute(
                "UPDATE crm.customer SET amount = 4.5 WHERE id IN (3, 151, 299)",
                "DELETE FROM crm.customer WHERE id = 201");

        assertThat(UsersScene.keys(scene.table()))
                .containsExactlyInAnyOrder(
                        "different 3", "different 151", "different 299", "missing 201");
    }

    @Test
    void chunksThatAreReadSlowlyAreDivided() {
        scene.source.execute(
                "INSERT INTO users SELECT i, 'name ' || i, i * 1.50, false"
                        + " FROM generate_series(301, 12300) i");
        scene.target.execute(
                "INSERT INTO crm.customer SELECT i, 'name ' || i, i * 1.50"
                        + " FROM generate_series(301, 12300) i");
        scene.analyze();
        scene.limits = UsersScene.inChunks(4_000, 1_000).within(SHORT_READS, 1);

        TableReport table = scene.table();

        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.sourceRows()).isEqualTo(12_270).isEqualTo(table.targetRows());
        assertThat(table.chunks()).as("of the plan").hasSizeLessThanOrEqualTo(4);
        assertThat(watermarks.get())
                .as("two for each read, and a chunk after the first is read in parts")
                .isGreaterThan(2 * table.chunks().size());
    }

    /// A read of some milliseconds rests for hours.
    @Test
    void aSessionRestsAfterEachRead() throws Exception {
        scene.limits = UsersScene.inChunks(1_000, 1_000).within(new Budget(Duration.ZERO, 1e-7), 1);
        CompletableFuture<ReconciliationReport> report =
                CompletableFuture.supplyAsync(() -> scene.reconcile());

        Awaitility.await().atMost(Waits.LIMIT).until(() -> watermarks.get() == 2);
        assertThatThrownBy(() -> report.get(3, TimeUnit.SECONDS))
                .isInstanceOf(TimeoutException.class);
        scene.cancellation.request();

        assertThat(report.get(60, TimeUnit.SECONDS).reason()).isEqualTo("cancelled");
        assertThat(watermarks.get()).as("the only chunk was read").isEqualTo(2);
    }

    @Test
    void restsSoLongThatItReadsInItsShareOfTheTime() {
        assertThat(new Budget(Duration.ZERO, 0.25).rest(Duration.ofSeconds(2)))
                .isEqualTo(Duration.ofSeconds(6));
        assertThat(Budget.NONE.rest(Duration.ofSeconds(2))).isZero();
    }
}
