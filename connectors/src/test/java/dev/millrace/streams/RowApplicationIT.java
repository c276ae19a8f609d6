package dev.millrace.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// What the mappings write has no gap, whatever the broker does with it.
class RowApplicationIT {

    private static final int LIMIT = 100_000;
    private static final int LARGE = 3 * LIMIT;
    private static final int SMALL = 20_000;

    @Test
    void aRefusedRecordEndsTheRunAndNothingBehindItIsWrittenUntilItCanBe() throws Exception {
        try (MappingsScene scene = new MappingsScene()) {
            scene.alterTarget("max.message.bytes", Integer.toString(LIMIT));
            scene.place();
            scene.insert(1, 30, SMALL);
            RowApplication mappings = scene.start(Map.of());
            await().atMost(Duration.ofSeconds(30)).until(() -> scene.committed() == 30);

            scene.hold();
            scene.insert(31, 31, LARGE);
            scene.insert(32, 100, SMALL);
            scene.flow();
            scene.awaitRefusals(mappings, 2);

            assertThat(scene.written()).doesNotHaveDuplicates().allMatch(id -> id <= 30);
            assertThat(scene.committed()).isEqualTo(30);

            scene.alterTarget("max.message.bytes", Integer.toString(64 * LIMIT));
            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(scene.carried()).hasSize(100));
            assertThat(scene.carried()).isSorted().endsWith(100);
        }
    }

    @Test
    void recordsThatWereDeletedUnreadAreNamed() throws Exception {
        try (MappingsScene scene = new MappingsScene()) {
            scene.place();
            scene.insert(1, 3, SMALL);
            scene.deleteChanges();
            scene.insert(4, 5, SMALL);
            RowApplication mappings = scene.start(Map.of());

            await().atMost(Duration.ofSeconds(30))
                    .until(
                            () ->
                                    mappings.state()
                                                    instanceof
                                                    RowApplication.State.Waiting(var why, var _)
                                            && why.contains("were deleted unread"));
            assertThat(scene.written()).isEmpty();
        }
    }
}
