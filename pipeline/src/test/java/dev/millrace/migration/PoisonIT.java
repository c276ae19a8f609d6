package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.switchover.Operation.State;
import dev.millrace.testing.Waits;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Somebody writes bytes to a topic of the log that are no record of Millrace. The migration ends
/// with the reason instead of skipping them, and a re-backfill makes both sides equal.
class PoisonIT {

    @ParameterizedTest
    @ValueSource(strings = {"changes", "target"})
    void garbageInATopicEndsTheMigration(String topic) throws Exception {
        try (MigrationScene scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .table("item", "id int PRIMARY KEY, n int")) {
            scene.source.execute("INSERT INTO item SELECT g, g FROM generate_series(1, 500) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            String poisoned =
                    topic.equals("changes")
                            ? scene.topics.topics().changes()
                            : scene.topics.topics().target();
            scene.topics.writeGarbage(poisoned);
            scene.source.execute(
                    "INSERT INTO item SELECT g, g FROM generate_series(501, 600) g",
                    "DELETE FROM item WHERE id <= 100");

            scene.awaitPhase("FAILED");
            assertThat(scene.running().status().blockers().toString())
                    .contains(poisoned, "format 103");

            UUID operation =
                    Objects.requireNonNull(
                            scene.running()
                                    .rebackfill(
                                            new Rebackfill.Request(
                                                    Optional.empty(),
                                                    "garbage",
                                                    Optional.of("ann"),
                                                    Optional.empty(),
                                                    Optional.empty(),
                                                    false))
                                    .id());
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .untilAsserted(
                            () ->
                                    assertThat(
                                                    scene.running()
                                                            .rebackfill(operation)
                                                            .orElseThrow()
                                                            .state())
                                            .isEqualTo(State.DONE));
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("500");
        }
    }
}
