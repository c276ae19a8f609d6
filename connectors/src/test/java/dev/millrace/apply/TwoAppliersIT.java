package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.lifecycle.ComponentState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// Two appliers of one migration run concurrently, their sessions are terminated at random, and
/// tables are truncated. The rows must be the same as with one applier that is not interrupted.
class TwoAppliersIT {

    private static final int PARTITIONS = 3;
    private static final int CHANGES = 3_000;
    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id", "a", "big");

    @Test
    void concurrentAppliersAndTerminatedSessionsChangeNothing() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        try (var scenario =
                new ApplierScenario(
                        PARTITIONS, "CREATE TABLE item (id int PRIMARY KEY, a text, big text)")) {
            TargetApplier one = scenario.start(ApplierScenario.limits(50), scenario.sessions());
            TargetApplier two =
                    scenario.start(
                            new ApplierSettings.Limits(
                                    7,
                                    1,
                                    1,
                                    2,
                                    Duration.ofMillis(500),
                                    Duration.ofSeconds(30),
                                    Duration.ofMillis(100),
                                    Duration.ofHours(1),
                                    Duration.ofHours(1)),
                            scenario.sessions());
            TreeMap<Integer, List<String>> model = new TreeMap<>();
            var log = new BlockLog(scenario, random);
            for (int i = 0; i < CHANGES; i++) {
                change(random, scenario, model, log, i);
                if (i % 500 == 250) {
                    scenario.awaitSent();
                    terminateSessions(scenario);
                }
            }
            for (int partition = 0; partition < PARTITIONS; partition++) {
                log.endBlock(partition);
            }
            scenario.watermark(77);
            scenario.awaitApplied(77);

            assertThat(scenario.database.query("SELECT id, a, big FROM item ORDER BY id"))
                    .as("seed %d", seed)
                    .isEqualTo(
                            model.entrySet().stream()
                                    .map(
                                            row ->
                                                    List.of(
                                                            row.getKey().toString(),
                                                            row.getValue().get(0),
                                                            row.getValue().get(1)))
                                    .toList());
            for (int partition = 0; partition < PARTITIONS; partition++) {
                assertThat(scenario.stored().partitions().get(partition).total())
                        .as("seed %d", seed)
                        .isEqualTo(scenario.total(partition));
            }
            assertThat(scenario.stopped()).as("seed %d", seed).isEmpty();
            assertThat(List.of(one.state(), two.state()))
                    .as("seed %d", seed)
                    .noneMatch(ComponentState.Failed.class::isInstance);
        }
    }

    private static void change(
            Random random,
            ApplierScenario scenario,
            TreeMap<Integer, List<String>> model,
            BlockLog log,
            int number) {
        int id = random.nextInt(60);
        int partition = id % PARTITIONS;
        String key = Integer.toString(id);
        if (number % 700 == 699) {
            model.clear();
            for (int p = 0; p < PARTITIONS; p++) {
                log.send(
                        p,
                        new TargetChange.Truncate(
                                scenario.next(p), List.of(ROW_SCHEMA.table()), number));
            }
        } else if (random.nextInt(4) == 0) {
            model.remove(id);
            log.send(
                    partition,
                    new TargetChange.Delete(
                            log.next(partition), ApplierScenario.key(ROW_SCHEMA, key)));
        } else if (model.containsKey(id) && random.nextBoolean()) {
            model.computeIfPresent(id, (_, cells) -> List.of("u" + number, cells.get(1)));
            Row row =
                    new Row.Builder(ROW_SCHEMA)
                            .text(0, key)
                            .text(1, "u" + number)
                            .unchanged(2)
                            .build();
            log.send(partition, new TargetChange.Upsert(log.next(partition), row));
        } else {
            model.put(id, List.of("w" + number, "b" + number));
            Row row = Row.of(ROW_SCHEMA, key, "w" + number, "b" + number);
            log.send(partition, new TargetChange.Upsert(log.next(partition), row));
        }
    }

    /// Cuts the changes of each partition into random blocks, and sends some of them again with
    /// other cuts.
    private static final class BlockLog {
        private final ApplierScenario scenario;
        private final Random random;
        private final List<List<TargetChange>> sent = new ArrayList<>();
        private final List<List<TargetChange>> blocks = new ArrayList<>();

        BlockLog(ApplierScenario scenario, Random random) {
            this.scenario = scenario;
            this.random = random;
            for (int partition = 0; partition < PARTITIONS; partition++) {
                sent.add(new ArrayList<>());
                blocks.add(new ArrayList<>());
            }
        }

        /// The token of the next change of a row, in the last changes block or in a further one.
        Token next(int partition) {
            List<TargetChange> log = sent.get(partition);
            return log.isEmpty()
                            || !ApplierScenario.isOfRow(log.getLast())
                            || random.nextInt(10) == 0
                    ? scenario.next(partition)
                    : scenario.nextInBlock(partition);
        }

        void send(int partition, TargetChange change) {
            sent.get(partition).add(change);
            add(partition, change);
            if (random.nextInt(100) == 0) {
                endBlock(partition);
                List<TargetChange> log = sent.get(partition);
                int from = Math.max(0, log.size() - random.nextInt(200));
                log.subList(from, log.size()).forEach(again -> add(partition, again));
            }
        }

        private void add(int partition, TargetChange change) {
            List<TargetChange> block = blocks.get(partition);
            if (!block.isEmpty() && !isOfBlock(block, change)) {
                endBlock(partition);
            }
            block.add(change);
            if (random.nextInt(4) == 0) {
                endBlock(partition);
            }
        }

        private static boolean isOfBlock(List<TargetChange> block, TargetChange change) {
            return block.getLast().token().changesOffset() == change.token().changesOffset()
                    && block.getLast().token().compareTo(change.token()) <= 0;
        }

        void endBlock(int partition) {
            List<TargetChange> block = blocks.get(partition);
            if (!block.isEmpty()) {
                scenario.send(partition, List.copyOf(block));
                block.clear();
            }
        }
    }

    /// Terminates every session of the appliers, when there are some.
    private static void terminateSessions(ApplierScenario scenario) {
        await().atMost(ApplierScenario.TIMEOUT)
                .until(
                        () ->
                                !"0"
                                        .equals(
                                                scenario.database.value(
                                                        "SELECT count(pg_terminate_backend(pid))"
                                                                + " FROM pg_stat_activity WHERE datname"
                                                                + " = current_database() AND"
                                                                + " application_name = 'millrace test"
                                                                + " apply'")));
    }
}
