package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.TargetTask.PartitionBatch;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.ControlSchema;
import dev.millrace.control.StoredOffsets;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Applying any prefix again changes nothing, and the boundaries of batches have no effect. Random
/// histories over few keys: prefixes of the log are sent again, batches end anywhere, are written
/// twice or out of order, or are lost with their session. The target must equal a map in memory.
class RandomHistoryIT {

    private static final String MIGRATION = "random";
    private static final TargetTopic TOPIC =
            new TargetTopic(new Topics(MIGRATION).target(), 1, true);
    private static final int SEEDS = 25;
    private static final int KEYS = 6;
    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id", "a", "big");

    private record Logged(long offset, TargetChange change) {}

    /// The log of one seed with its repetitions, and the rows that must result.
    private static final class History {
        final List<Logged> log = new ArrayList<>();
        final TreeMap<Integer, List<@Nullable String>> model = new TreeMap<>();
        final long changes;

        History(Random random) {
            List<TargetChange> made = new ArrayList<>();
            int length = 20 + random.nextInt(80);
            for (int i = 0; i < length; i++) {
                made.add(next(random, new Token(1, i / 2, i % 2)));
                repeat(random, made);
            }
            changes =
                    made.stream()
                            .filter(change -> !(change instanceof TargetChange.Watermark))
                            .count();
        }

        /// A topology that was killed sends again what it had sent since some point, then
        /// continues.
        private void repeat(Random random, List<TargetChange> made) {
            long offset = log.isEmpty() ? 0 : log.getLast().offset() + 1;
            log.add(new Logged(offset + (random.nextInt(8) == 0 ? 1 : 0), made.getLast()));
            if (random.nextInt(12) == 0) {
                int from = random.nextInt(made.size());
                for (TargetChange again : List.copyOf(made).subList(from, made.size())) {
                    log.add(new Logged(log.getLast().offset() + 1, again));
                }
            }
        }

        private TargetChange next(Random random, Token token) {
            int id = random.nextInt(KEYS);
            boolean exists = model.containsKey(id);
            return switch (random.nextInt(exists ? 6 : 4)) {
                case 0 -> {
                    model.remove(id);
                    yield new TargetChange.Delete(
                            token, ApplierScenario.key(ROW_SCHEMA, Integer.toString(id)));
                }
                case 1 ->
                        new TargetChange.Watermark(
                                token, new WatermarkNumber(1, token.changesOffset()));
                case 2, 3 -> {
                    String a = random.nextBoolean() ? null : "a" + random.nextInt(1000);
                    String big = "b" + random.nextInt(1000);
                    List<@Nullable String> cells = new ArrayList<>();
                    cells.add(a);
                    cells.add(big);
                    model.put(id, cells);
                    yield new TargetChange.Upsert(
                            token, Row.of(ROW_SCHEMA, Integer.toString(id), a, big));
                }
                default -> {
                    String a = "c" + random.nextInt(1000);
                    List<@Nullable String> cells = Objects.requireNonNull(model.get(id));
                    Row.Builder row = new Row.Builder(ROW_SCHEMA).text(0, Integer.toString(id));
                    if (random.nextInt(4) == 0) {
                        yield new TargetChange.Upsert(token, row.unchanged(1).unchanged(2).build());
                    }
                    cells.set(0, a);
                    yield new TargetChange.Upsert(token, row.text(1, a).unchanged(2).build());
                }
            };
        }
    }

    @Test
    void applyingAnyPrefixAgainChangesNothing() throws Exception {
        TestDatabase database = PostgresServer.shared().newDatabase();
        ControlSchema.migrate(ApplierScenario.sessions(database));
        database.execute("CREATE TABLE item (id int PRIMARY KEY, a text, big text)");
        try (Connection reader = database.connect()) {
            long first = new Random().nextLong();
            for (long seed = first; seed < first + SEEDS; seed++) {
                database.execute("TRUNCATE item, millrace.stored_offset");
                Random random = new Random(seed);
                History history = new History(random);
                apply(database, reader, random, history);

                assertThat(database.query("SELECT id, a, big FROM item ORDER BY id"))
                        .as("seed %d", seed)
                        .isEqualTo(rows(history));
                assertThat(stored(reader).rowsApplied())
                        .as("seed %d", seed)
                        .isEqualTo(history.changes);
                assertThat(database.value("SELECT count(*) FROM millrace.stopped_table"))
                        .as("seed %d", seed)
                        .isEqualTo("0");
            }
        }
    }

    private static List<List<@Nullable String>> rows(History history) {
        List<List<@Nullable String>> rows = new ArrayList<>();
        history.model.forEach(
                (id, cells) -> {
                    List<@Nullable String> row = new ArrayList<>();
                    row.add(Integer.toString(id));
                    row.addAll(cells);
                    rows.add(row);
                });
        return rows;
    }

    private static AppliedOffsets stored(Connection reader) throws SQLException {
        return new StoredOffsets(MIGRATION, TOPIC.name()).read(reader);
    }

    private static void apply(
            TestDatabase database, Connection reader, Random random, History history)
            throws Exception {
        new StoredOffsets(MIGRATION, TOPIC.name()).begin(reader, 1, "topic", List.of(0L));
        long end = history.log.getLast().offset() + 1;
        List<PartitionBatch> written = new ArrayList<>();
        while (stored(reader).partitions().getFirst().nextOffset() < end) {
            PartitionProgress partition =
                    new PartitionProgress(TOPIC, stored(reader).partitions().getFirst());
            history.log.stream()
                    .filter(logged -> logged.offset() >= partition.stored().nextOffset())
                    .forEach(logged -> partition.add(logged.offset(), logged.change(), 1));
            try (BatchWriter writer = writer(database)) {
                writeSome(random, partition, writer, written);
            }
        }
    }

    /// Writes some batches, some of them twice or again later, until the writer is discarded.
    private static void writeSome(
            Random random,
            PartitionProgress partition,
            BatchWriter writer,
            List<PartitionBatch> written)
            throws SQLException {
        for (int left = 1 + random.nextInt(6); left > 0; left--) {
            var next = partition.take(1 + random.nextInt(10), 1 + random.nextInt(30));
            if (next.isEmpty()) {
                return;
            }
            PartitionBatch batch = next.get();
            assertThat(writer.run(batch)).isInstanceOf(WriteOutcome.Applied.class);
            partition.applied(batch.to(), Instant.EPOCH);
            written.add(batch);
            if (random.nextInt(3) == 0) {
                assertThat(writer.run(batch)).isEqualTo(new WriteOutcome.AppliedBefore());
            }
            PartitionBatch old = written.get(random.nextInt(written.size()));
            if (!old.to().isAt(batch.to())) {
                assertThat(writer.run(old)).isInstanceOf(WriteOutcome.Lost.class);
            }
        }
    }

    private static BatchWriter writer(TestDatabase database) throws SQLException {
        return new BatchWriter(
                TargetSession.open(
                        ApplierScenario.sessions(database),
                        Duration.ofSeconds(5),
                        Duration.ofMinutes(1)),
                MIGRATION,
                TOPIC.name());
    }
}
