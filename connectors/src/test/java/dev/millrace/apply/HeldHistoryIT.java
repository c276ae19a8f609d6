package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.control.ParkedKeys.ParkedKey;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Random histories of a source in which a column is unique after every transaction. The partitions
/// arrive at random paces, and the appliers are restarted. Nothing is parked but the key that
/// violates a constraint of the target alone, and the rest ends as on the source.
class HeldHistoryIT {

    private static final RowSchema ITEM = ApplierScenario.rowSchema("item", "id", "code", "big");
    private static final int PARTITIONS = 3;
    private static final int TRANSACTIONS = 300;

    private final TreeMap<Integer, String> items = new TreeMap<>();
    private final List<Deque<Runnable>> queues = new ArrayList<>();
    private int nextId;
    private int nextCode;
    private final Watermarked watermarks = new Watermarked(11);

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void uniqueValuesEndWhereTheSourceHasThem(long seed) throws Exception {
        Random random = new Random(seed);
        try (var scenario =
                new ApplierScenario(
                        PARTITIONS,
                        "CREATE TABLE item (id int PRIMARY KEY, code text NOT NULL UNIQUE, big"
                                + " text)",
                        "INSERT INTO item VALUES (-1, 'taken')")) {
            for (int i = 0; i < PARTITIONS; i++) {
                queues.add(new ArrayDeque<>());
            }
            TargetApplier applier = start(scenario, random);
            for (int i = 0; i < TRANSACTIONS; i++) {
                transaction(scenario, random);
                if (i == TRANSACTIONS / 3) {
                    write(scenario, 100_000, "taken");
                }
                if (random.nextInt(4) == 0) {
                    watermark(scenario);
                }
                flow(random);
                if (random.nextInt(60) == 0) {
                    applier.close();
                    applier = start(scenario, random);
                }
            }
            queues.forEach(queue -> queue.forEach(Runnable::run));
            watermarks.awaitSettled(scenario);

            assertThat(scenario.parked())
                    .as("seed %d", seed)
                    .extracting(ParkedKey::key)
                    .containsExactly(List.of("100000"));
            assertThat(
                            scenario.database.query(
                                    "SELECT id, code, big FROM item WHERE id > 0 ORDER BY id"))
                    .as("seed %d", seed)
                    .isEqualTo(
                            items.entrySet().stream()
                                    .filter(item -> item.getKey() != 100_000)
                                    .map(
                                            item ->
                                                    List.of(
                                                            item.getKey().toString(),
                                                            item.getValue(),
                                                            "big" + item.getKey()))
                                    .toList());
            assertThat(scenario.stopped()).isEmpty();
        }
    }

    private static TargetApplier start(ApplierScenario scenario, Random random) {
        return scenario.start(ApplierScenario.limits(1 + random.nextInt(30)), scenario.sessions());
    }

    private void transaction(ApplierScenario scenario, Random random) {
        List<Integer> ids = new ArrayList<>(items.headMap(100_000).keySet());
        Collections.shuffle(ids, random);
        if (ids.size() < 6) {
            write(scenario, ++nextId, "c" + ++nextCode);
            return;
        }
        int first = ids.get(0);
        int second = ids.get(1);
        switch (random.nextInt(6)) {
            case 0 -> write(scenario, ++nextId, "c" + ++nextCode);
            case 1 -> delete(scenario, first);
            case 2 -> {
                String code = code(first);
                delete(scenario, first);
                write(scenario, ++nextId, code);
            }
            case 3 -> {
                String code = code(first);
                change(scenario, random, first, code(second));
                change(scenario, random, second, code);
            }
            case 4 -> {
                String code = code(first);
                change(scenario, random, first, "c" + ++nextCode);
                change(scenario, random, second, code);
            }
            default -> {
                int third = ids.get(2);
                String code = code(first);
                change(scenario, random, first, code(second));
                change(scenario, random, second, code(third));
                change(scenario, random, third, code);
            }
        }
    }

    private String code(int id) {
        return Objects.requireNonNull(items.get(id));
    }

    private void write(ApplierScenario scenario, int id, String code) {
        items.put(id, code);
        send(scenario, id, row(id, code).text(2, "big" + id).build());
    }

    private void change(ApplierScenario scenario, Random random, int id, String code) {
        items.put(id, code);
        Row.Builder row = row(id, code);
        send(
                scenario,
                id,
                (random.nextBoolean() ? row.unchanged(2) : row.text(2, "big" + id)).build());
    }

    private static Row.Builder row(int id, String code) {
        return new Row.Builder(ITEM).text(0, String.valueOf(id)).text(1, code);
    }

    private void send(ApplierScenario scenario, int id, Row row) {
        int partition = id % PARTITIONS;
        queues.get(partition).add(() -> scenario.upsert(partition, row));
    }

    private void delete(ApplierScenario scenario, int id) {
        items.remove(id);
        int partition = id % PARTITIONS;
        queues.get(partition)
                .add(
                        () ->
                                scenario.delete(
                                        partition, ApplierScenario.key(ITEM, String.valueOf(id))));
    }

    private void watermark(ApplierScenario scenario) {
        long number = watermarks.next();
        for (int i = 0; i < PARTITIONS; i++) {
            int partition = i;
            queues.get(partition).add(() -> scenario.watermark(partition, number));
        }
    }

    private void flow(Random random) {
        for (Deque<Runnable> queue : queues) {
            for (int i = random.nextInt(5); i > 0 && !queue.isEmpty(); i--) {
                queue.remove().run();
            }
        }
    }
}
