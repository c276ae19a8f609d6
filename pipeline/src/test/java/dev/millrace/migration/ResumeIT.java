package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.replication.GenerationStart.LostLog;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// A restart of the service resumes the migration only with unchanged servers, topics and mappings.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ResumeIT {

    /// A migration that was in sync. Tests that use it leave it as it is.
    private MigrationScene stopped;

    @BeforeAll
    void begin() throws Exception {
        stopped = inSync();
        stopped.stop();
    }

    @AfterAll
    void end() {
        stopped.close();
    }

    @Test
    void refusesARecreatedPositionTopicInTheSameGeneration() throws Exception {
        try (MigrationScene scene = inSync()) {
            scene.stop();
            scene.topics.deletePositions();

            for (int attempt = 0; attempt < 2; attempt++) {
                assertThatThrownBy(scene::start)
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContaining("position does not exist");
            }
            scene.topics.createPositions();
            assertThatThrownBy(scene::start)
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("position was recreated");

            assertThat(scene.target.value("SELECT max(generation) FROM millrace.generation"))
                    .isEqualTo("1");
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("100");
        }
    }

    @Test
    void refusesALogThatLostAppliedRecords() throws Exception {
        try (MigrationScene scene = inSync()) {
            scene.stop();
            scene.topics.emptyPositions();
            scene.topics.emptyChanges();
            scene.source.execute("DELETE FROM item WHERE id <= 10");

            assertThatThrownBy(scene::start)
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("although changes of this generation were applied");
        }
    }

    @Test
    void readsEveryRowAgainWithoutItsLogIfTheOperatorWantsIt() throws Exception {
        try (MigrationScene scene = inSync(Backfill.WINDOWS)) {
            scene.stop();
            scene.topics.deletePositions();
            scene.source.execute(
                    "DELETE FROM item WHERE id <= 10", "UPDATE item SET name = 'n' WHERE id > 90");
            String file = "SELECT pg_relation_filenode('item')";
            String before = scene.target.value(file);
            assertThatThrownBy(scene::start)
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("Run 'millrace run' once with --rebackfill");

            for (int start = 0; start < 2; start++) {
                scene.start(LostLog.READ_AGAIN);
                scene.awaitPhase("IN_SYNC");
                assertThat(scene.running().status().generation()).isEqualTo(2);
                assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
                scene.stop();
            }
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("90");
            assertThat(scene.target.value(file)).as("not emptied").isEqualTo(before);
        }
    }

    @Test
    void refusesAnotherSourceAlsoWithoutItsLog() throws Exception {
        refusedAfter(
                stopped,
                "system_identifier = '1', changes_topic_id = 'another'",
                LostLog.READ_AGAIN,
                "is not the server and database");
    }

    @Test
    void refusesAnotherServerDatabaseOrTimelineOfTheSource() throws Exception {
        refusedAfter(stopped, "system_identifier = '1'", "is not the server and database");
        refusedAfter(stopped, "source_database = 'shop'", "is not the server and database");
        refusedAfter(stopped, "timeline = timeline + 1", "was promoted or restored");
    }

    @Test
    void refusesAnotherTopicOrNumberOfPartitions() throws Exception {
        refusedAfter(stopped, "changes_topic_id = 'another'", "changes was recreated");
        refusedAfter(stopped, "target_topic_id = 'another'", "target was recreated");
        refusedAfter(stopped, "partitions = 4", "began with 4 partitions, but the file sets 3");
    }

    private static void refusedAfter(MigrationScene scene, String change, String why) {
        refusedAfter(scene, change, LostLog.REFUSED, why);
    }

    private static void refusedAfter(
            MigrationScene scene, String change, LostLog lostLog, String why) {
        scene.target.execute(
                "CREATE TABLE before AS TABLE millrace.generation",
                "UPDATE millrace.generation SET " + change);
        assertThatThrownBy(() -> scene.start(lostLog))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining(why);
        scene.target.execute(
                "TRUNCATE millrace.generation",
                "INSERT INTO millrace.generation TABLE before",
                "DROP TABLE before");
    }

    @Test
    void mappingsWithExpiredOffsetsContinueFromTheBeginningOfTheLog() throws Exception {
        stopped.source.execute(
                "INSERT INTO item SELECT g, 'logged' FROM generate_series(101, 200) g",
                "DELETE FROM item WHERE id <= 10");
        stopped.captureAlone();
        stopped.topics.forgetMappingsOffsets();

        stopped.start();

        assertThat(stopped.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(stopped.target.value("SELECT count(*) FROM item")).isEqualTo("190");
        assertThat(stopped.running().status().generation()).isEqualTo(1);
        stopped.stop();
    }

    @Test
    void failsWhenUnreadRecordsOfTheLogWereDeleted() throws Exception {
        try (MigrationScene scene = inSync()) {
            scene.stop();
            scene.source.execute("DELETE FROM item WHERE id <= 10");
            scene.captureAlone();
            scene.topics.emptyChanges();

            scene.start();

            scene.awaitPhase("FAILED");
            assertThat(scene.running().status().blockers().toString())
                    .contains("re-backfill required", "were deleted unread");
            assertThatThrownBy(() -> scene.running().reconcile(List.of()))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("were deleted unread");
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("100");
        }
    }

    @Test
    void acceptsAReorderedFileAndRefusesOtherMappings() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            String columns = " (id int PRIMARY KEY, name text)";
            scene.table("item", "id int PRIMARY KEY, name text").into("item_a", "item_b");
            scene.target.execute(
                    "CREATE TABLE item_a" + columns,
                    "CREATE TABLE item_b" + columns,
                    "CREATE TABLE item_c" + columns);
            scene.source.execute("INSERT INTO item VALUES (1, 'one')");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.stop();
            scene.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(2, 40) g");
            scene.captureAlone();
            scene.topics.applyUpToInsideABlock(scene.target, "item_a", "item_b");

            for (String[] other : new String[][] {{"item_a"}, {"item_a", "item_b", "item_c"}}) {
                scene.into(other);
                assertThatThrownBy(scene::start)
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContaining(
                                "The mappings have changed since the migration began");
            }
            scene.into("item_b", "item_a");
            scene.start();

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(
                            scene.target.query(
                                    "SELECT a.name, b.name FROM item_a a JOIN item_b b USING (id)"))
                    .hasSize(40);
        }
    }

    @Test
    void refusesAnotherMeaningOfAStarAndJournalsNothing() throws Exception {
        String journal = stopped.target.value("SELECT count(*) FROM millrace.journal");
        stopped.source.execute("ALTER TABLE item ADD COLUMN note text");
        stopped.target.execute("ALTER TABLE item ADD COLUMN note text");

        assertThatThrownBy(stopped::start)
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("The mappings have changed since the migration began");

        assertThat(stopped.target.value("SELECT count(*) FROM millrace.journal"))
                .isEqualTo(journal);
        stopped.source.execute("ALTER TABLE item DROP COLUMN note");
        stopped.target.execute("ALTER TABLE item DROP COLUMN note");
        stopped.start();
        stopped.awaitPhase("IN_SYNC");
        stopped.stop();
    }

    private static MigrationScene inSync() throws Exception {
        return inSync(Backfill.ENGINE);
    }

    private static MigrationScene inSync(Backfill backfill) throws Exception {
        MigrationScene scene = new MigrationScene().backfill(backfill);
        scene.table("item", "id int PRIMARY KEY, name text");
        scene.source.execute("INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 100) g");
        scene.start();
        scene.awaitPhase("IN_SYNC");
        return scene;
    }
}
