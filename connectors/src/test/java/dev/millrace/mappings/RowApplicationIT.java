package dev.millrace.mappings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.testing.Waits;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.junit.jupiter.api.Test;

/// The output of the mappings has no gap, even if the broker refuses records.
class RowApplicationIT {

    private static final int LIMIT = 100_000;
    private static final int LARGE = 3 * LIMIT;
    private static final int SMALL = 20_000;

    @Test
    void writesNothingAfterARefusedRecordUntilTheBrokerTakesIt() throws Exception {
        try (MappingsScene scene = new MappingsScene()) {
            scene.alterTarget("max.message.bytes", Integer.toString(LIMIT));
            scene.place();
            scene.insert(1, 30, SMALL);
            RowApplication mappings = scene.start(Map.of());
            await().atMost(Waits.LIMIT).until(() -> scene.committed() == 30);

            scene.hold();
            scene.insert(31, 31, LARGE);
            scene.insert(32, 100, SMALL);
            scene.flow();
            scene.awaitRefusals(mappings, 2);

            assertThat(scene.written()).doesNotHaveDuplicates().allMatch(id -> id <= 30);
            assertThat(scene.committed()).isEqualTo(30);

            scene.alterTarget("max.message.bytes", Integer.toString(64 * LIMIT));
            await().atMost(Waits.LIMIT)
                    .untilAsserted(() -> assertThat(scene.applicable()).hasSize(100));
            assertThat(scene.applicable()).isSorted().endsWith(100);
        }
    }

    @Test
    void userSettingsDoNotChangeTheProducersGuarantee() throws Exception {
        Map<String, Object> loose =
                Map.of(
                        "enable.idempotence",
                        "false",
                        "acks",
                        "1",
                        "max.in.flight.requests.per.connection",
                        5,
                        "delivery.timeout.ms",
                        120_000);
        Map<String, Object> more = new HashMap<>();
        more.put("producer.interceptor.classes", ProducerSettings.class.getName());
        loose.forEach(
                (name, value) -> {
                    more.put(name, value);
                    more.put("producer." + name, value);
                });
        try (MappingsScene scene = new MappingsScene()) {
            scene.place();
            scene.start(more);

            ProducerConfig made = ProducerSettings.SEEN.poll(30, TimeUnit.SECONDS);

            assertThat(made).isNotNull();
            assertThat(made.getBoolean("enable.idempotence")).isTrue();
            assertThat(made.getString("acks")).isEqualTo("-1");
            assertThat(made.getInt("max.in.flight.requests.per.connection")).isEqualTo(1);
            assertThat(made.getInt("delivery.timeout.ms")).isEqualTo(Integer.MAX_VALUE);
        }
    }

    @Test
    void namesRecordsThatWereDeletedUnread() throws Exception {
        try (MappingsScene scene = new MappingsScene()) {
            scene.place();
            scene.insert(1, 3, SMALL);
            scene.deleteChanges();
            scene.insert(4, 5, SMALL);
            RowApplication mappings = scene.start(Map.of());

            await().atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    mappings.state()
                                                    instanceof
                                                    ComponentState.Failed(Failure.Lost lost, var _)
                                            && lost.reason().contains("were deleted unread"));
            assertThat(scene.written()).isEmpty();
        }
    }

    @Test
    void omitsTheMessageOfAMapperFailureAndEndsAfterThree() throws Exception {
        try (MappingsScene scene = new MappingsScene()) {
            scene.failing = new NumberFormatException("For input string: 4711-somebody");
            scene.place();
            scene.insert(1, 1, 10);
            RowApplication mappings = scene.start(Map.of());

            await().atMost(Waits.LIMIT)
                    .until(() -> mappings.state() instanceof ComponentState.Waiting);

            assertThat(mappings.state().toString())
                    .contains("unexpected NumberFormatException in ")
                    .doesNotContain("somebody");
            await().atMost(Waits.LIMIT)
                    .until(() -> mappings.state() instanceof ComponentState.Failed);
            assertThat(mappings.state().text())
                    .contains("unexpected NumberFormatException in ", "3 times in a row", "restart")
                    .doesNotContain("somebody");
        }
    }
}
