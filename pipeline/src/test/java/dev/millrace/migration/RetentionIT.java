package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.lifecycle.ComponentState;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Retention deletes what every reader has passed, and nothing else.
class RetentionIT {

    @Test
    void deletesChangesWhileTheServiceRuns() throws Exception {
        deletesWhileTheServiceRuns(50_000);
    }

    @Test
    @Tag("faults")
    void deletesAMillionChangesWhileTheServiceRuns() throws Exception {
        deletesWhileTheServiceRuns(1_000_000);
    }

    private static void deletesWhileTheServiceRuns(int rows) throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text").retention(Duration.ofSeconds(1));
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, " + rows + ") g");
            scene.start();
            Awaitility.await()
                    .atMost(Duration.ofMinutes(5))
                    .until(() -> scene.running().status().phase().equals("IN_SYNC"));
            scene.source.execute("UPDATE item SET name = 'new' WHERE id % 100 = 0");
            Map<Integer, Long> ends = scene.topics.logged().get(1);
            awaitDeleted(scene, ends);

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.running().status().parts())
                    .filteredOn(part -> part.name().equals("retention"))
                    .singleElement()
                    .matches(StatusReport.Part::well);
            scene.stop();
            scene.source.execute("DELETE FROM item WHERE id % 100 = 1");
            scene.start();
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM item"))
                    .isEqualTo(String.valueOf(rows - rows / 100));
            scene.awaitPhase("IN_SYNC");
            assertThat(scene.running().status().generation()).isEqualTo(1);
            assertThat(lines(scene)).isNotEmpty();
        }
    }

    /// Later watermarks are applied, so that nothing before these ends is needed.
    private static void awaitDeleted(MigrationScene scene, Map<Integer, Long> ends) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(scene.topics.logged().get(0))
                                        .allSatisfy(
                                                (partition, begin) ->
                                                        assertThat(begin)
                                                                .isGreaterThanOrEqualTo(
                                                                        ends.getOrDefault(
                                                                                partition, 0L))));
    }

    private static List<String> lines(MigrationScene scene) {
        List<String> lines = new ArrayList<>();
        scene.running().log("changes", Optional.empty(), Optional.empty(), 10, lines::add);
        return lines;
    }

    @Test
    void keepsWhatApplyHasNotStored() throws Exception {
        try (MigrationScene scene = inSync();
                Connection blocker = scene.target.connect()) {
            blocker.setAutoCommit(false);
            blocker.createStatement().execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE");
            scene.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(101, 400) g");
            scene.awaitWaiting(scene.target, "apply");
            awaitMappedBeyond(scene);

            assertThat(scene.retain(Duration.ZERO).isHealthy()).isTrue();

            Map<Integer, Long> kept = scene.topics.logged().get(0);
            Map<Integer, Long> keptTarget = scene.topics.targetBegins();
            storedOffsets(scene, "token_offset")
                    .forEach(
                            (partition, token) ->
                                    assertThat(kept.get(partition)).isLessThanOrEqualTo(token));
            storedOffsets(scene, "next_offset")
                    .forEach(
                            (partition, next) ->
                                    assertThat(keptTarget.get(partition))
                                            .isLessThanOrEqualTo(next));
            assertThat(kept.values()).allMatch(begin -> begin > 0);
            blocker.rollback();
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("400");
        }
    }

    /// Waits until the mappings have passed in each partition what apply has stored.
    private static void awaitMappedBeyond(MigrationScene scene) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () -> {
                            Map<Integer, Long> mapped = scene.topics.mappingsOffsets();
                            assertThat(storedOffsets(scene, "token_offset"))
                                    .allSatisfy(
                                            (partition, token) ->
                                                    assertThat(mapped.get(partition))
                                                            .isGreaterThan(token + 1));
                        });
    }

    static Map<Integer, Long> storedOffsets(MigrationScene scene, String column) {
        Map<Integer, Long> offsets = new HashMap<>();
        for (List<@Nullable String> row :
                scene.target.query(
                        "SELECT partition, " + column + " FROM millrace.stored_offset")) {
            offsets.put(
                    Integer.valueOf(String.valueOf(row.get(0))),
                    Long.valueOf(String.valueOf(row.get(1))));
        }
        return offsets;
    }

    @Test
    void keepsWhatTheMappingsHaveNotCommitted() throws Exception {
        try (MigrationScene scene = inSync()) {
            scene.stop();
            Map<Integer, Long> begins = scene.topics.logged().get(0);
            scene.topics.commitMappingsOffsets(begins);

            assertThat(scene.retain(Duration.ZERO).isHealthy()).isTrue();

            assertThat(scene.topics.logged().get(0)).isEqualTo(begins);
            scene.source.execute("DELETE FROM item WHERE id <= 10");
            scene.start();
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        }
    }

    @Test
    void keepsEverythingWithoutCommittedOffsetsAndYoungRecordsAlways() throws Exception {
        try (MigrationScene scene = inSync()) {
            Map<Integer, Long> begins = scene.topics.logged().get(0);
            assertThat(scene.retain(Duration.ofHours(1)).isHealthy()).isTrue();
            assertThat(scene.topics.logged().get(0)).isEqualTo(begins);
            scene.stop();
            scene.topics.forgetMappingsOffsets();

            ComponentState state = scene.retain(Duration.ZERO);

            assertThat(state.text()).contains("nothing is deleted", "no committed offset");
            assertThat(scene.topics.logged().get(0)).isEqualTo(begins);
        }
    }

    @Test
    void readsTheLogFromWhatIsKept() throws Exception {
        try (MigrationScene scene = inSync()) {
            assertThat(scene.retain(Duration.ZERO).isHealthy()).isTrue();
            Map<Integer, Long> begins = scene.topics.logged().get(0);

            assertThat(begins.values()).allMatch(begin -> begin > 0);
            assertThat(lines(scene)).isNotEmpty();
            scene.stop();
            scene.topics.forgetMappingsOffsets();
            scene.source.execute("DELETE FROM item WHERE id <= 10");
            scene.start();
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("90");
        }
    }

    private static MigrationScene inSync() throws Exception {
        MigrationScene scene = new MigrationScene();
        scene.table("item", "id int PRIMARY KEY, name text");
        scene.source.execute("INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 100) g");
        scene.start();
        scene.awaitPhase("IN_SYNC");
        awaitDeletable(scene);
        return scene;
    }

    /// Waits until every reader has passed the first record of each partition. The phase does not
    /// say so: the mappings commit their offsets after apply has the watermark, and the stored
    /// token can be in the first block.
    private static void awaitDeletable(MigrationScene scene) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () -> {
                            Map<Integer, Long> mapped = scene.topics.mappingsOffsets();
                            Map<Integer, Long> stored = storedOffsets(scene, "token_offset");
                            assertThat(scene.topics.logged().get(0))
                                    .isNotEmpty()
                                    .allSatisfy(
                                            (partition, begin) -> {
                                                assertThat(mapped.get(partition))
                                                        .isGreaterThan(begin);
                                                assertThat(stored.get(partition))
                                                        .isGreaterThan(begin);
                                            });
                        });
    }
}
