package dev.millrace.capture;

import static java.util.stream.Collectors.joining;
import static org.apache.kafka.common.requests.TransactionResult.ABORT;
import static org.apache.kafka.common.requests.TransactionResult.COMMIT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.position.PositionCodec;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.change.Row;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.lifecycle.Failure;
import dev.millrace.testing.Blocks;
import dev.millrace.testing.Waits;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.Utils;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// A broker left a transaction of the capture open in some partitions and considers it ended. The
/// next capture ends it, and the log contains every change once.
class HangingTransactionIT {

    private static final byte[] POSITION = "position".getBytes(StandardCharsets.UTF_8);
    private static final byte[] FACTS = "tables".getBytes(StandardCharsets.UTF_8);

    private interface Plant {
        void in(ForgetfulCoordinator broker, Written written) throws Exception;
    }

    /// A transaction as a capture writes it, without markers.
    private record Written(CaptureScene scene, SourcePosition position) {
        TopicPartition changes(int number) {
            return new TopicPartition(scene.topics.changes(), number);
        }

        TopicPartition positions() {
            return new TopicPartition(scene.topics.position(), 0);
        }

        SimpleRecord record() {
            return new SimpleRecord(POSITION, new PositionCodec().encode(position));
        }
    }

    @Test
    void commitsTransactionWithoutMarkers() throws Exception {
        assertEveryRowOnceAfter(
                (broker, written) -> broker.write(written.positions(), List.of(written.record())));
    }

    @Test
    void commitsTransactionCommittedInOnePartition() throws Exception {
        assertEveryRowOnceAfter(
                (broker, written) -> {
                    broker.write(written.positions(), List.of(written.record()));
                    broker.mark(written.changes(0), COMMIT);
                });
    }

    @Test
    void commitsTransactionCommittedInPositionTopic() throws Exception {
        assertEveryRowOnceAfter(
                (broker, written) -> {
                    broker.write(written.positions(), List.of(written.record()));
                    broker.mark(written.positions(), COMMIT);
                });
    }

    @Test
    void commitsTransactionUncommittedOnlyInPositionTopic() throws Exception {
        assertEveryRowOnceAfter(
                (broker, written) -> {
                    broker.write(written.positions(), List.of(written.record()));
                    broker.mark(written.changes(0), COMMIT);
                    broker.mark(written.changes(1), COMMIT);
                });
    }

    @Test
    void abortsTransactionAbortedInItsOnlyPartition() throws Exception {
        assertEveryRowOnceAfter(
                Set.of(1),
                (broker, written) -> {
                    broker.write(written.positions(), List.of(written.record()));
                    broker.mark(written.changes(1), ABORT);
                });
    }

    @Test
    void abortsTransactionAbortedInOnePartition() throws Exception {
        assertEveryRowOnceAfter(
                (broker, written) -> {
                    broker.write(written.positions(), List.of(written.record()));
                    broker.mark(written.changes(1), ABORT);
                });
    }

    @Test
    void abortsTransactionAbortedInPositionTopic() throws Exception {
        assertEveryRowOnceAfter(
                (broker, written) -> {
                    broker.write(written.positions(), List.of(written.record()));
                    broker.mark(written.positions(), ABORT);
                });
    }

    @Test
    void abortsTransactionWithoutPosition() throws Exception {
        assertEveryRowOnceAfter((_, _) -> {});
    }

    @Test
    void abortsTransactionWithTableFactsButNoPosition() throws Exception {
        assertEveryRowOnceAfter(
                (broker, written) ->
                        broker.write(
                                written.positions(),
                                List.of(new SimpleRecord(FACTS, new byte[] {1}))));
    }

    @Test
    void rejectsLogWithCommittedPositionAndAbortedChanges() throws Exception {
        try (CaptureScene scene = itemScene()) {
            plant(
                    scene,
                    (broker, written) -> {
                        broker.write(written.positions(), List.of(written.record()));
                        broker.mark(written.positions(), COMMIT);
                        broker.mark(written.changes(0), COMMIT);
                        broker.mark(written.changes(1), ABORT);
                    });

            SourceCapture capture = scene.start(1);

            await(() -> CaptureScene.hasEnded(capture, Failure.Lost.class));
            assertThat(capture.state().toString())
                    .contains("changes-1 no longer returns its committed records");
        }
    }

    @Test
    void rejectsOpenPositionsOfTwoTransactions() throws Exception {
        try (CaptureScene scene = itemScene()) {
            plant(
                    scene,
                    (broker, written) ->
                            broker.write(
                                    written.positions(),
                                    List.of(written.record(), written.record())));

            SourceCapture capture = scene.start(1);

            await(() -> CaptureScene.hasEnded(capture, Failure.Lost.class));
            assertThat(capture.state().toString())
                    .contains("open records of more than one transaction");
        }
    }

    @Test
    void waitsForTransactionOfOtherProducer() throws Exception {
        try (CaptureScene scene = itemScene()) {
            captureFirstRow(scene);
            TopicPartition first = new TopicPartition(scene.topics.changes(), 0);
            try (ForgetfulCoordinator other = ForgetfulCoordinator.ofUnknownProducer(scene)) {
                other.write(first, List.of(new SimpleRecord(new byte[0], new byte[] {1})));
                SourceCapture capture = scene.start(1);

                await(() -> capture.state() instanceof ComponentState.Waiting);
                assertThat(capture.state().toString()).contains("kafka-transactions.sh");

                other.mark(first, ABORT);
                await(() -> capture.state().isRunning(Activity.STREAMING));
            }
        }
    }

    private static void assertEveryRowOnceAfter(Plant plant) throws Exception {
        assertEveryRowOnceAfter(Set.of(0, 1), plant);
    }

    private static void assertEveryRowOnceAfter(Set<Integer> partitions, Plant plant)
            throws Exception {
        try (CaptureScene scene = itemScene()) {
            plant(scene, partitions, plant);

            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            scene.source.execute("INSERT INTO item VALUES (10, 'next')");
            scene.awaitWatermark(capture);

            assertThat(inserted(scene))
                    .hasSizeGreaterThan(2)
                    .containsExactlyInAnyOrderElementsOf(
                            scene.source.query("SELECT id::text FROM item").stream()
                                    .map(row -> String.valueOf(row.getFirst()))
                                    .toList());
            capture.close();
        }
    }

    private static void plant(CaptureScene scene, Plant plant) throws Exception {
        plant(scene, Set.of(0, 1), plant);
    }

    private static void plant(CaptureScene scene, Set<Integer> partitions, Plant plant)
            throws Exception {
        SourcePosition before = captureFirstRow(scene);
        List<Row> rows = rows(scene, partitions);
        Lsn boundary =
                Lsn.parse(
                        Objects.requireNonNull(
                                scene.source
                                        .query("SELECT pg_current_wal_flush_lsn()::text")
                                        .getFirst()
                                        .getFirst()));
        long transaction =
                Long.parseLong(
                        Objects.requireNonNull(
                                scene.source
                                        .query(
                                                "WITH made AS (INSERT INTO item SELECT g, 'n' || g FROM unnest('{"
                                                        + ids(rows)
                                                        + "}'::int[]) g RETURNING id)"
                                                        + " SELECT pg_current_xact_id()::text FROM made")
                                        .getFirst()
                                        .getFirst()));
        try (ForgetfulCoordinator broker = ForgetfulCoordinator.of(scene)) {
            List<Long> ends = new ArrayList<>();
            for (int partition = 0; partition < CaptureScene.PARTITIONS; partition++) {
                ends.add(
                        partitions.contains(partition)
                                ? broker.write(
                                        new TopicPartition(scene.topics.changes(), partition),
                                        records(rows, partition, Origin.streamed(transaction)))
                                : before.logged().changesEnds().get(partition));
            }
            plant.in(
                    broker,
                    new Written(
                            scene,
                            new SourcePosition(
                                    before.generation(),
                                    true,
                                    boundary,
                                    Origin.streamed(transaction),
                                    rows.size(),
                                    before.watermark(),
                                    before.truncates(),
                                    before.rowsRead(),
                                    before.publication(),
                                    new SourcePosition.Logged(
                                            before.logged().tablesAt(),
                                            List.of(),
                                            ends,
                                            before.logged().changesTotals(),
                                            null))));
        }
    }

    /// Runs a capture that writes row 1, and closes it.
    private static SourcePosition captureFirstRow(CaptureScene scene) throws Exception {
        SourceCapture capture = scene.start(1);
        SourceCaptureIT.streaming(scene, capture);
        scene.source.execute("INSERT INTO item VALUES (1, 'n1')");
        scene.awaitWatermark(capture);
        capture.close();
        return Objects.requireNonNull(capture.position());
    }

    private static List<Row> rows(CaptureScene scene, Set<Integer> partitions) {
        Row first =
                scene.log().stream()
                        .filter(ChangeEvent.Insert.class::isInstance)
                        .map(event -> ((ChangeEvent.Insert) event).row())
                        .findFirst()
                        .orElseThrow();
        return IntStream.rangeClosed(2, 9)
                .mapToObj(id -> Row.of(first.schema(), String.valueOf(id), "n" + id))
                .filter(row -> partitions.contains(partition(row)))
                .toList();
    }

    private static int partition(Row row) {
        return Utils.toPositive(Utils.murmur2(row.key().bytes())) % CaptureScene.PARTITIONS;
    }

    private static String ids(List<Row> rows) {
        return rows.stream().map(row -> String.valueOf(row.text(0))).collect(joining(","));
    }

    private static List<SimpleRecord> records(List<Row> rows, int partition, long transaction) {
        return rows.stream()
                .filter(row -> partition(row) == partition)
                .map(
                        row ->
                                new SimpleRecord(
                                        row.key().bytes(),
                                        Blocks.record(
                                                new ChangeEvent.Insert(
                                                        1,
                                                        new Origin(Lsn.ZERO, transaction, 0),
                                                        row),
                                                0)))
                .toList();
    }

    private static CaptureScene itemScene() {
        return new CaptureScene().table("item", List.of("id int", "name text"), "id", false);
    }

    private static List<String> inserted(CaptureScene scene) {
        return scene.log().stream()
                .filter(ChangeEvent.Insert.class::isInstance)
                .map(event -> String.valueOf(((ChangeEvent.Insert) event).row().text(0)))
                .toList();
    }

    private static void await(Callable<Boolean> reached) {
        Awaitility.await().atMost(Waits.LIMIT).until(reached);
    }
}
