package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.replication.GenerationStart;
import dev.millrace.replication.GenerationStart.Rows;
import dev.millrace.replication.RefusedException;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// The start of a generation: atomic, after an older generation, and against its writers.
class GenerationStartIT {

    private static final RowSchema GATED =
            RowSchema.keyed(new TableId("public", "item"), List.of("id", "pass"), List.of("id"));

    /// The last statement of the start's transaction fails.
    private static final String[] BREAK = {
        "CREATE SEQUENCE attempts",
        """
        CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN PERFORM nextval('public.attempts'); RAISE 'broken'; END $$""",
        "CREATE TRIGGER broken BEFORE INSERT ON millrace.generation FOR EACH ROW EXECUTE FUNCTION broken()",
        "ALTER TABLE millrace.generation ENABLE ALWAYS TRIGGER broken"
    };

    private static final String REPAIR = "DROP TRIGGER broken ON millrace.generation";

    @Test
    void neverDeletesRowsThatExistedBeforeTheMigration() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text")
                    .table("other", "id int PRIMARY KEY, name text");
            scene.target.execute("INSERT INTO item VALUES (1, 'of the users')");
            Generation first = scene.withGenerations(GenerationStart::resume);

            assertThatThrownBy(() -> scene.withGenerations(all -> all.next(first, Rows.EMPTIED)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("public.item")
                    .hasMessageNotContaining("public.other");
            assertThat(scene.target.value("SELECT name FROM item")).isEqualTo("of the users");
            assertThat(generations(scene)).isEqualTo("1 1");

            scene.target.execute(
                    "DELETE FROM item",
                    "INSERT INTO other VALUES (1, 'kept by a rule')",
                    "CREATE TABLE hinders_truncate (id int REFERENCES other)",
                    "CREATE RULE keep AS ON DELETE TO other DO INSTEAD NOTHING",
                    "ALTER TABLE other ENABLE ALWAYS RULE keep");
            assertThatThrownBy(() -> scene.withGenerations(all -> all.next(first, Rows.EMPTIED)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("public.other prevents");
            assertThat(generations(scene)).isEqualTo("1 1");

            scene.target.execute("DROP RULE keep ON other", "DROP TABLE hinders_truncate");

            assertThat(scene.withGenerations(all -> all.next(first, Rows.EMPTIED)).number())
                    .isEqualTo(2);
            assertThat(generations(scene)).isEqualTo("2 2");
        }
    }

    @Test
    void emptiesNothingWithoutTheRoleThatPreflightFound() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            String role = scene.grant().targetLogin();
            String privilege = "SET ON PARAMETER session_replication_role";
            scene.target.execute("GRANT " + privilege + " TO " + role);
            scene.withGenerations(
                    all -> {
                        Generation first = all.resume();
                        scene.target.execute(
                                "INSERT INTO item VALUES (1, 'one')",
                                "REVOKE " + privilege + " FROM " + role);

                        assertThatThrownBy(() -> all.next(first, Rows.EMPTIED))
                                .isInstanceOf(RefusedException.class)
                                .hasMessageContaining(
                                        "GRANT " + privilege + " TO \"" + role + "\"");
                        assertThat(scene.target.value("SELECT name FROM item")).isEqualTo("one");
                        assertThat(generations(scene)).isEqualTo("1 1");

                        scene.target.execute("GRANT " + privilege + " TO " + role);

                        assertThat(all.next(first, Rows.EMPTIED).number()).isEqualTo(2);
                        return 0;
                    });
        }
    }

    @Test
    void emptiesTablesWithoutAStatementTimeout() throws Exception {
        try (MigrationScene scene = new MigrationScene(Duration.ofSeconds(1))) {
            scene.table("item", "id int PRIMARY KEY, name text");
            Generation first = scene.withGenerations(GenerationStart::resume);
            scene.target.execute(
                    "INSERT INTO item VALUES (1, 'of generation 1')",
                    "CREATE TABLE of_the_users (id int REFERENCES item)",
                    "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$"
                            + " BEGIN PERFORM pg_sleep(1.2); RETURN NULL; END $$",
                    "CREATE TRIGGER slow BEFORE DELETE ON item EXECUTE FUNCTION slow()",
                    "ALTER TABLE item ENABLE ALWAYS TRIGGER slow");
            String file = "SELECT pg_relation_filenode('item')";
            String before = scene.target.value(file);

            Generation second = scene.withGenerations(all -> all.next(first, Rows.EMPTIED));

            assertThat(second.number()).isEqualTo(2);
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("0");
            assertThat(scene.target.value(file)).isEqualTo(before);

            // Not printed: it is only faster.
            scene.target.execute(
                    "INSERT INTO item VALUES (2, 'of generation 2')",
                    "DROP TABLE of_the_users",
                    "GRANT TRUNCATE ON item TO " + scene.targetLogin());

            scene.withGenerations(all -> all.next(second, Rows.EMPTIED));

            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("0");
            assertThat(scene.target.value(file)).as("truncated").isNotEqualTo(before);
        }
    }

    @Test
    void failedStartRecordsNothing() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            scene.withGenerations(_ -> 0);
            scene.target.execute(BREAK);
            assertThatThrownBy(() -> scene.withGenerations(GenerationStart::resume))
                    .isInstanceOf(SQLException.class);
            scene.target.execute(REPAIR, "INSERT INTO item VALUES (1, 'came meanwhile')");

            Generation first = scene.withGenerations(GenerationStart::resume);

            assertThatThrownBy(() -> scene.withGenerations(all -> all.next(first, Rows.EMPTIED)))
                    .isInstanceOf(RefusedException.class);
            assertThat(scene.target.value("SELECT name FROM item")).isEqualTo("came meanwhile");
        }
    }

    @Test
    void neverDeletesRecordsWithoutControlRows() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            scene.source.execute("INSERT INTO item VALUES (1, 'of the first migration')");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.stop();
            var before = scene.topics.logged();
            scene.target.execute("DROP SCHEMA millrace CASCADE", "TRUNCATE item");

            assertThatThrownBy(scene::start)
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("Kafka contains records of a migration with the name")
                    .hasMessageContaining("millrace." + scene.name + ".changes");

            assertThat(scene.topics.logged()).isNotEmpty().isEqualTo(before);
            assertThat(scene.target.value("SELECT count(*) FROM millrace.generation"))
                    .isEqualTo("0");
        }
    }

    @Test
    void waitsForACommitInProgressAndRejectsLaterOnes() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            CompletableFuture<Generation> second;
            try (Connection ours = scene.target.connect()) {
                ours.setAutoCommit(false);
                ours.createStatement().execute("INSERT INTO item VALUES (1, 'in the way')");
                scene.source.execute("INSERT INTO item VALUES (1, 'under way')");
                scene.awaitWaiting(scene.target, "apply");
                second = CompletableFuture.supplyAsync(() -> next(scene));
                scene.awaitWaiting(scene.target, "control");
                ours.rollback();
            }

            assertThat(second.join().number()).isEqualTo(2);
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("0");

            scene.source.execute("INSERT INTO item VALUES (2, 'late')");
            scene.awaitPhase("FAILED");
            assertThat(scene.running().status().blockers().toString())
                    .containsAnyOf("another process began a generation", "were deleted unread");
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("0");
        }
    }

    @Test
    void retriesAStartUntilItCommitsAndResumesItAfterwards() throws Exception {
        try (MigrationScene scene = new MigrationScene();
                SnapshotGate gate = SnapshotGate.closed(scene)) {
            scene.start();
            gate.awaitReader();
            scene.target.execute(BREAK);
            gate.interrupt();
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    !"1"
                                            .equals(
                                                    scene.target.value(
                                                            "SELECT last_value FROM attempts")));
            scene.stop();
            assertThat(generations(scene)).isEqualTo("1 1");
            scene.target.execute(REPAIR);
            // Simulates a process that ended before it emptied the target topic.
            scene.topics.writeLate(
                    new TargetChange.Upsert(
                            new Token(1, Long.MAX_VALUE, 0), Row.of(GATED, "77777", "(0)")));
            scene.source.execute("DELETE FROM item WHERE id % 2 = 0");

            scene.start();
            scene.awaitPhase("IN_SYNC");
            assertThat(scene.running().status().generation()).isEqualTo(2);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);

            scene.stop();
            next(scene);
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("0");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            assertThat(scene.running().status().generation()).isEqualTo(3);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("10000");
        }
    }

    private static Generation next(MigrationScene scene) {
        try {
            return scene.withGenerations(all -> all.next(all.resume(), Rows.EMPTIED));
        } catch (SQLException e) {
            throw new CompletionException(e);
        }
    }

    /// The latest recorded generation, and the generation of the stored offsets.
    private static String generations(MigrationScene scene) {
        return String.valueOf(
                scene.target.value(
                        "SELECT (SELECT max(generation) FROM millrace.generation) || ' '"
                                + " || (SELECT string_agg(DISTINCT generation::text, ',')"
                                + " FROM millrace.stored_offset)"));
    }
}
