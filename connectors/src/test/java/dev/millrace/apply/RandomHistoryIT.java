package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.task.TargetTask.PartitionBatch;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.change.BlockCodec;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.BackfilledTables;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.StoredOffsets;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Applying any prefix again changes nothing, and neither the boundaries of blocks nor those of
/// batches have an effect. Random histories over few keys, cut into random blocks: prefixes of the
/// log are sent again with other cuts, batches end anywhere, are written twice or out of order, or
/// are lost with their session. The target must equal a map in memory, and the stored offset must
/// count exactly the changes up to its token.
class RandomHistoryIT {

    private static final String MIGRATION = "random";
    private static final TargetTopic TOPIC =
            new TargetTopic(new Topics(MIGRATION).target(), 1, true);
    private static final int SEEDS = 25;
    private static final int KEYS = 6;
    private static final RowSchema NARROW = ApplierScenario.rowSchema("item", "id", "a", "big");
    private static final RowSchema WIDE =
            ApplierScenario.rowSchema("item", "id", "a", "big", "more");
    private static final RowSchema STOCK = ApplierScenario.rowSchema("stock", "id", "n");

    private record Logged(long offset, TargetBlock block) {}

    /// The outputs of one change of the source.
    private record Change(Token token, long total, List<TargetChange> outputs) {

        boolean isOfRow() {
            return outputs.stream().allMatch(ApplierScenario::isOfRow);
        }
    }

    /// The log of one seed with its repetitions, and the rows that must result.
    private static final class History {
        final List<Logged> log = new ArrayList<>();
        final TreeMap<Integer, List<@Nullable String>> items = new TreeMap<>();
        final TreeMap<Integer, String> stock = new TreeMap<>();
        final List<List<Change>> sourceBlocks = new ArrayList<>();
        private final BlockCodec codec = new BlockCodec();
        private final Random random;
        private long total;

        History(Random random) {
            this.random = random;
            int length = 10 + random.nextInt(20);
            for (int i = 0; i < length; i++) {
                List<Change> block = new ArrayList<>();
                if (random.nextInt(4) == 0) {
                    block.add(alone(new Token(1, i, 0)));
                } else {
                    for (int index = 0; index < 1 + random.nextInt(8); index++) {
                        block.add(ofRow(new Token(1, i, index)));
                    }
                }
                sourceBlocks.add(block);
                send(block);
                if (random.nextInt(6) == 0) {
                    sendAgain();
                }
            }
        }

        long outputCount() {
            return changes().stream()
                    .filter(Change::isOfRow)
                    .mapToLong(change -> change.outputs().size())
                    .sum();
        }

        List<Change> changes() {
            return sourceBlocks.stream().flatMap(List::stream).toList();
        }

        /// A topology that was killed reads again from some block on, and cuts it as it likes.
        private void sendAgain() {
            int from = random.nextInt(sourceBlocks.size());
            sourceBlocks.subList(from, sourceBlocks.size()).forEach(this::send);
        }

        private void send(List<Change> block) {
            int begin = 0;
            while (begin < block.size()) {
                int end = begin + 1 + random.nextInt(block.size() - begin);
                List<Change> part = block.subList(begin, end);
                List<TargetChange> outputs =
                        part.stream().flatMap(change -> change.outputs().stream()).toList();
                Change last = part.getLast();
                long offset = log.isEmpty() ? 0 : log.getLast().offset() + 1;
                log.add(
                        new Logged(
                                offset + (random.nextInt(8) == 0 ? 1 : 0),
                                codec.decodeTarget(
                                        ApplierScenario.encoded(
                                                codec, last.token(), last.total(), outputs))));
                begin = end;
            }
        }

        private Change alone(Token token) {
            return new Change(
                    token,
                    total,
                    List.of(
                            random.nextBoolean()
                                    ? new TargetChange.Watermark(
                                            token, new WatermarkNumber(1, token.changesOffset()))
                                    : new TargetChange.BackfillComplete(
                                            token,
                                            List.of(
                                                    random.nextBoolean()
                                                            ? NARROW.table()
                                                            : STOCK.table()))));
        }

        private Change ofRow(Token token) {
            List<TargetChange> outputs = new ArrayList<>();
            if (random.nextInt(6) > 0) {
                outputs.add(item(token));
            }
            if (random.nextInt(3) == 0) {
                outputs.add(stock(token));
            }
            return new Change(token, ++total, outputs);
        }

        private TargetChange stock(Token token) {
            int id = random.nextInt(KEYS);
            if (random.nextInt(3) == 0) {
                stock.remove(id);
                return new TargetChange.Delete(
                        token, ApplierScenario.key(STOCK, Integer.toString(id)));
            }
            String n = Integer.toString(random.nextInt(1000));
            stock.put(id, n);
            return new TargetChange.Upsert(token, Row.of(STOCK, Integer.toString(id), n));
        }

        private TargetChange item(Token token) {
            int id = random.nextInt(KEYS);
            String key = Integer.toString(id);
            boolean exists = items.containsKey(id);
            return switch (random.nextInt(exists ? 6 : 4)) {
                case 0 -> {
                    items.remove(id);
                    yield new TargetChange.Delete(token, ApplierScenario.key(NARROW, key));
                }
                case 1, 2, 3 -> {
                    String a = random.nextBoolean() ? null : "a" + random.nextInt(1000);
                    String big = "b" + random.nextInt(1000);
                    boolean wide = random.nextInt(4) == 0;
                    List<@Nullable String> before = items.get(id);
                    String more = wide ? "m" + random.nextInt(1000) : null;
                    List<@Nullable String> cells = new ArrayList<>();
                    cells.add(a);
                    cells.add(big);
                    cells.add(wide || before == null ? more : before.get(2));
                    items.put(id, cells);
                    yield new TargetChange.Upsert(
                            token,
                            wide ? Row.of(WIDE, key, a, big, more) : Row.of(NARROW, key, a, big));
                }
                default -> {
                    String a = "c" + random.nextInt(1000);
                    List<@Nullable String> cells = Objects.requireNonNull(items.get(id));
                    Row.Builder row = new Row.Builder(NARROW).text(0, key);
                    if (random.nextInt(4) == 0) {
                        yield new TargetChange.Upsert(token, row.unchanged(1).unchanged(2).build());
                    }
                    cells.set(0, a);
                    yield new TargetChange.Upsert(token, row.text(1, a).unchanged(2).build());
                }
            };
        }
    }

    private final TestDatabase database = PostgresServer.shared().newTarget();
    private Login login;

    @BeforeEach
    void create() {
        database.execute(
                "CREATE TABLE item (id int PRIMARY KEY, a text, big text, more text)",
                "CREATE TABLE stock (id int PRIMARY KEY, n int)");
        login = GrantedLogins.apply(database);
    }

    @Test
    void applyingAnyPrefixAgainChangesNothing() throws Exception {
        try (Connection reader = login.connect()) {
            long first = new Random().nextLong();
            for (long seed = first; seed < first + SEEDS; seed++) {
                database.execute(
                        "TRUNCATE item, stock, millrace.stored_offset, millrace.backfilled_table");
                Random random = new Random(seed);
                History history = new History(random);
                apply(seed, reader, random, history);

                assertThat(database.query("SELECT id, a, big, more FROM item ORDER BY id"))
                        .as("seed %d", seed)
                        .isEqualTo(rows(history));
                assertThat(database.query("SELECT id, n FROM stock ORDER BY id"))
                        .as("seed %d", seed)
                        .isEqualTo(
                                history.stock.entrySet().stream()
                                        .map(row -> List.of("" + row.getKey(), row.getValue()))
                                        .toList());
                assertThat(stored(reader).rowsApplied())
                        .as("seed %d", seed)
                        .isEqualTo(history.outputCount());
                assertThat(database.value("SELECT count(*) FROM millrace.stopped_table"))
                        .as("seed %d", seed)
                        .isEqualTo("0");
            }
        }
    }

    private static List<List<@Nullable String>> rows(History history) {
        List<List<@Nullable String>> rows = new ArrayList<>();
        history.items.forEach(
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

    private void apply(long seed, Connection reader, Random random, History history)
            throws Exception {
        new StoredOffsets(MIGRATION, TOPIC.name()).begin(reader, 1, "topic", List.of(0L));
        long end = history.log.getLast().offset() + 1;
        List<PartitionBatch> written = new ArrayList<>();
        while (stored(reader).partitions().getFirst().nextOffset() < end) {
            PartitionProgress partition =
                    new PartitionProgress(TOPIC, stored(reader).partitions().getFirst());
            history.log.stream()
                    .filter(logged -> logged.offset() >= partition.stored().nextOffset())
                    .forEach(logged -> partition.add(logged.offset(), logged.block(), 1));
            try (BatchWriter writer = ApplierScenario.writer(login, MIGRATION, TOPIC.name())) {
                writeSome(random, partition, writer, written);
            }
            assertStoredWithItsToken(seed, reader, history);
        }
    }

    /// The running total and the ends of backfills are those up to the stored token, no more and no
    /// less.
    private static void assertStoredWithItsToken(long seed, Connection reader, History history)
            throws SQLException {
        StoredOffset stored = stored(reader).partitions().getFirst();
        List<Change> applied =
                history.changes().stream()
                        .filter(change -> change.token().compareTo(stored.token()) <= 0)
                        .toList();
        assertThat(stored.total())
                .as("seed %d", seed)
                .isEqualTo(applied.stream().filter(Change::isOfRow).count());
        Set<TableId> backfilled = new BackfilledTables(MIGRATION).read(reader, 1, 0);
        assertThat(backfilled)
                .as("seed %d", seed)
                .containsExactlyInAnyOrderElementsOf(
                        applied.stream()
                                .flatMap(change -> change.outputs().stream())
                                .filter(TargetChange.BackfillComplete.class::isInstance)
                                .map(TargetChange.BackfillComplete.class::cast)
                                .flatMap(complete -> complete.targets().stream())
                                .distinct()
                                .toList());
    }

    /// Writes some batches, some of them twice or again later, until the writer is discarded.
    private static void writeSome(
            Random random,
            PartitionProgress partition,
            BatchWriter writer,
            List<PartitionBatch> written)
            throws SQLException {
        for (int left = 1 + random.nextInt(6); left > 0; left--) {
            var next = partition.take(1 + random.nextInt(10), 1 + random.nextInt(3_000));
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
}
