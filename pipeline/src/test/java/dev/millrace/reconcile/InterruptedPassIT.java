package dev.millrace.reconcile;

import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.change.Lsn;
import dev.millrace.change.RowKey;
import dev.millrace.control.pass.PassStore;
import dev.millrace.digest.Chunker;
import dev.millrace.digest.KeyRange;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.pass.StoredPass;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A pass that ends before its last chunk continues there.
class InterruptedPassIT {

    private static final List<String> TARGETS = List.of("crm.customer");
    private static final StoredPass.Subject SUBJECT =
            new StoredPass.Subject(1, UsersScene.SPEC_HASH, TARGETS);
    private static final int CHUNKS = 27;

    @AutoClose private final UsersScene scene = new UsersScene();

    private final Login login = GrantedLogins.target(scene.target);

    @AutoClose private final Database control = login.database("shop");

    private final PassStore store = new PassStore(control, scene.topics.migration());
    private final UUID id = UUID.randomUUID();
    private final AtomicInteger watermarks = new AtomicInteger();
    private int emitted;

    @BeforeEach
    void inChunks() {
        scene.analyze();
        scene.limits = UsersScene.inChunks(10, 1_000);
    }

    private StoredPass pass() {
        return new StoredPass(store, id, SUBJECT);
    }

    /// The progress of the pass is what the end of the process leaves.
    private ReconciliationReport interruptAfter(int wanted) {
        scene.progress.afterEachWatermark(
                () -> {
                    if (watermarks.incrementAndGet() == wanted) {
                        scene.cancellation.request();
                    }
                });
        ReconciliationReport report = scene.reconcile(pass());
        scene.cancellation = new Cancellation();
        emitted = watermarks.getAndSet(0);
        scene.progress.afterEachWatermark(watermarks::incrementAndGet);
        return report;
    }

    private long storedChunks() {
        return Long.parseLong(
                String.valueOf(
                        scene.target.value(
                                "SELECT count(rows) FROM millrace.reconciliation_chunk")));
    }

    @Test
    void cancelledPassReadsNoFurtherChunk() {
        ReconciliationReport report = interruptAfter(10);

        assertThat(report.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(report.reason()).isEqualTo("cancelled");
        assertThat(report.tables().getFirst().sourceRows()).isNull();
        assertThat(emitted)
                .as("one more from another thread at most")
                .isBetween(10, 9 + scene.limits.chunks().parallel());
    }

    @Test
    void continuedPassBeganWhereTheInterruptedOneDid() {
        ReconciliationReport interrupted = interruptAfter(40);
        scene.writeAndCatchUp(299, "between");

        ReconciliationReport report = scene.reconcile(pass());

        assertThat(report.startedAt())
                .isCloseTo(interrupted.startedAt(), within(1, ChronoUnit.MICROS));
        assertThat(report.start()).isNotNull().isEqualTo(interrupted.start());
        assertThat(scene.reconcile().start()).isNotEqualTo(report.start());
    }

    @Test
    void comparesOnlyTheChunksThatWereNotEqualBefore() {
        interruptAfter(40);
        assertThat(storedChunks()).isBetween(10L, 20L);

        ReconciliationReport report = scene.reconcile(pass());

        TableReport table = report.tables().getFirst();
        assertThat(report.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.sourceRows()).isEqualTo(270).isEqualTo(table.targetRows());
        assertThat(table.sourceChecksum())
                .isEqualTo(table.targetChecksum())
                .isEqualTo(scene.table().sourceChecksum());
        assertThat(table.chunks()).hasSize(CHUNKS);
    }

    @Test
    void readsTheChunksThatAreLeftOnce() {
        interruptAfter(40);
        long stored = storedChunks();

        scene.reconcile(pass());

        assertThat(watermarks.get()).isEqualTo(2 * (CHUNKS - Math.toIntExact(stored)));
    }

    @Test
    void everyChunkSaysBetweenWhichPositionsItWasEqual() {
        TableReport table = scene.reconcile(pass()).tables().getFirst();

        assertThat(table.chunks()).hasSize(CHUNKS);
        assertThat(table.chunks().getFirst().from()).isNull();
        assertThat(table.chunks().getLast().to()).isNull();
        for (int i = 1; i < CHUNKS; i++) {
            assertThat(table.chunks().get(i).from()).isEqualTo(table.chunks().get(i - 1).to());
        }
        assertThat(table.chunks().stream().mapToLong(ChunkReport::rows).sum()).isEqualTo(270);
        assertThat(table.chunks())
                .allSatisfy(
                        chunk ->
                                assertThat(Lsn.parse(chunk.after()))
                                        .isLessThanOrEqualTo(Lsn.parse(chunk.before())));
    }

    @Test
    void chunkWithADifferenceIsComparedAgain() {
        scene.target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id IN (3, 299)");
        interruptAfter(45);

        TableReport table = scene.reconcile(pass()).tables().getFirst();

        assertThat(keys(table)).containsExactlyInAnyOrder("different 3", "different 299");
        assertThat(table.different()).isEqualTo(2);
    }

    /// The process ends after the last chunk, before the report is stored.
    @Test
    void chunkWithAProvenDifferenceIsNotStored() {
        scene.target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id IN (3, 299)");
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> scene.writeAndCatchUp(151, "hot " + version.incrementAndGet()));
        TableReport first = scene.reconcile(pass()).tables().getFirst();
        assertThat(keys(first)).containsExactlyInAnyOrder("different 3", "different 299");
        assertThat(storedChunks()).as("without those of 3, 151 and 299").isEqualTo(CHUNKS - 3);

        TableReport continued = scene.reconcile(pass()).tables().getFirst();

        assertThat(keys(continued)).containsExactlyInAnyOrder("different 3", "different 299");
        assertThat(continued.sourceRows()).isEqualTo(270);
    }

    @Test
    void storesEachChunkWithTheSumOfItsRange() throws SQLException {
        scene.reconcile(pass());

        List<PassStore.Chunk> chunks = store.chunks(TARGETS.getFirst());

        assertThat(chunks).hasSize(CHUNKS);
        Chunker chunker = scene.chunker();
        try (TargetSnapshot target = chunker.openTarget(chunker.table(scene.mapping))) {
            for (PassStore.Chunk chunk : chunks) {
                PassStore.Equal equal = chunk.equal().orElseThrow();
                KeyRange range = new KeyRange(key(chunk.from()), key(chunk.to()));
                assertThat(new RowSum(equal.rows(), equal.first(), equal.second()))
                        .isEqualTo(target.within(range).digest());
            }
        }
    }

    private static @Nullable RowKey key(@Nullable List<String> texts) {
        return texts == null ? null : RowKey.of(UserMapper.CUSTOMER, texts.toArray(String[]::new));
    }

    /// The sums of chunks with verified suspects remain exact.
    @Test
    void chunksWithKeysInFlightAreStoredWithAllTheirRows() {
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> scene.writeAndCatchUp(7, "hot " + version.incrementAndGet()));
        TableReport first = scene.reconcile(pass()).tables().getFirst();
        assertThat(first.verdict()).as(first.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(storedChunks()).isEqualTo(CHUNKS);
        scene.progress.afterEachWatermark(watermarks::incrementAndGet);

        TableReport continued = scene.reconcile(pass()).tables().getFirst();

        assertThat(watermarks.get()).as("nothing is left").isZero();
        assertThat(continued.sourceRows()).isEqualTo(270);
        assertThat(continued.sourceChecksum()).isEqualTo(first.sourceChecksum());
    }

    @Test
    void changedTableIsComparedFromTheBeginning() {
        interruptAfter(40);
        scene.target.execute("ALTER TABLE crm.customer ADD COLUMN note text");

        scene.reconcile(pass());

        assertThat(watermarks.get()).isEqualTo(2 * CHUNKS);
    }

    @Test
    void onlyAPassOfTheSameComparisonIsContinued() {
        Instant now = Instant.now();
        interruptAfter(40);

        assertThat(StoredPass.interrupted(store, SUBJECT, now)).contains(id);
        assertThat(StoredPass.interrupted(store, SUBJECT, now.plus(Duration.ofHours(25))))
                .isEmpty();
        assertThat(
                        List.of(
                                new StoredPass.Subject(2, UsersScene.SPEC_HASH, TARGETS),
                                new StoredPass.Subject(1, "beef", TARGETS),
                                new StoredPass.Subject(
                                        1, UsersScene.SPEC_HASH, List.of("crm.note"))))
                .allSatisfy(
                        other -> assertThat(StoredPass.interrupted(store, other, now)).isEmpty());

        StoredPass ended = pass();
        scene.reconcile(ended);
        ended.end();

        assertThat(StoredPass.interrupted(store, SUBJECT, now)).isEmpty();
        assertThat(storedChunks()).isZero();
    }

    @Test
    void comparesAlsoIfNoProgressCanBeStored() {
        scene.target.execute("DROP TABLE millrace.reconciliation_chunk");

        assertThat(scene.reconcile(pass()).verdict()).isEqualTo(Verdict.EQUAL);
    }
}
