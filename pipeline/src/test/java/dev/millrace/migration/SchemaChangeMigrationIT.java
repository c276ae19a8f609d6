package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.rejected.TableChange;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.SwitchoverRequest;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The definition of a table changes while the migration runs: nothing is lost, other tables go on,
/// and it continues by itself when the target has the change too.
class SchemaChangeMigrationIT {

    private static final Duration WAIT = Duration.ofSeconds(90);

    private static MigrationScene scene(String type) throws Exception {
        MigrationScene scene = new MigrationScene().backfill(Backfill.WINDOWS);
        scene.source.execute("CREATE TYPE st AS ENUM ('a', 'b')");
        scene.target.execute("CREATE TYPE st AS ENUM ('a', 'b')");
        scene.table("en", "id int PRIMARY KEY, s " + type)
                .table("other", "id int PRIMARY KEY, v text")
                .declared();
        scene.source.execute(
                "INSERT INTO en SELECT g, 'a'::text::%s FROM generate_series(1, 100) g"
                        .formatted(type),
                "INSERT INTO other SELECT g, 'v' FROM generate_series(1, 100) g");
        return scene;
    }

    private static long count(MigrationScene scene, String where) {
        return Long.parseLong(String.valueOf(scene.target.value("SELECT count(*) FROM " + where)));
    }

    @Test
    void aLabelThatWasAddedOnTheSourceArrivesWhenTheTargetHasIt() throws Exception {
        try (MigrationScene scene = scene("st")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("ALTER TYPE st ADD VALUE 'c' BEFORE 'b'");
            scene.source.execute(
                    "UPDATE en SET s = 'c' WHERE id < 10",
                    "UPDATE other SET v = 'w' WHERE id < 50");
            await().atMost(WAIT).until(() -> count(scene, "other WHERE v = 'w'") == 49);
            await().atMost(WAIT)
                    .untilAsserted(
                            () ->
                                    assertThat(scene.running().status().warnings().toString())
                                            .contains(
                                                    "column s of target table public.en",
                                                    "has no label c",
                                                    "ALTER TYPE \"public\".\"st\" ADD VALUE 'c';"));
            await().atMost(WAIT)
                    .until(() -> scene.running().rejected().list(Optional.empty(), 99).size() == 9);
            assertThat(scene.running().rejected().list(Optional.empty(), 1).getFirst().cause())
                    .contains("column s", "type st", "22P02");

            scene.stop();
            scene.source.execute("UPDATE en SET s = 'b' WHERE id = 5");
            scene.target.execute("ALTER TYPE st ADD VALUE 'c' BEFORE 'b'");
            scene.start();
            await().atMost(WAIT)
                    .until(() -> scene.running().rejected().list(Optional.empty(), 99).isEmpty());
            scene.awaitPhase("IN_SYNC");

            assertThat(count(scene, "en WHERE s = 'c'")).isEqualTo(8);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            await().atMost(WAIT)
                    .until(() -> !scene.running().status().warnings().toString().contains("label"));
        }
    }

    @Test
    void aColumnThatWasAddedOnTheSourceIsNamedAndRefusesNoStart() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.stop();
            scene.source.execute(
                    "ALTER TABLE other ADD COLUMN later text", "UPDATE other SET v = 'p'");
            scene.start();
            scene.awaitPhase("IN_SYNC");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(count(scene, "other WHERE v = 'p'")).isEqualTo(100);
            await().atMost(WAIT)
                    .untilAsserted(
                            () ->
                                    assertThat(scene.running().status().warnings().toString())
                                            .contains("column public.other.later"));
        }
    }

    @Test
    void aColumnThatTheTargetLacksStopsItsTableUntilItIsAddedThere() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.target.execute("ALTER TABLE en DROP COLUMN s");
            scene.source.execute("UPDATE en SET s = 'x'", "UPDATE other SET v = 'w'");
            await().atMost(WAIT).until(() -> count(scene, "other WHERE v = 'w'") == 100);
            await().atMost(WAIT)
                    .until(
                            () ->
                                    scene.running()
                                            .status()
                                            .blockers()
                                            .toString()
                                            .contains("table public.en is stopped"));

            scene.target.execute("ALTER TABLE en ADD COLUMN s text");
            scene.awaitPhase("IN_SYNC");
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        }
    }

    private static Gate schemaGate(MigrationScene scene) {
        return scene
                .running()
                .move(
                        new SwitchoverRequest(
                                Operation.Kind.SWITCHOVER,
                                SwitchoverRequest.Action.DRY_RUN,
                                Set.of(),
                                "",
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty()))
                .gates()
                .stream()
                .filter(gate -> gate.name().equals("schema"))
                .findFirst()
                .orElseThrow();
    }

    private static TableChange dryRun(boolean acceptSchema) {
        return new TableChange(
                "public.en", acceptSchema, "", Optional.of("ann"), Optional.empty(), true);
    }

    private static TableChange resume(boolean acceptSchema) {
        return new TableChange(
                "public.en", acceptSchema, "", Optional.of("ann"), Optional.empty(), false);
    }

    private static void awaitStopped(MigrationScene scene, String... parts) {
        await().atMost(WAIT)
                .untilAsserted(
                        () ->
                                assertThat(scene.running().status().blockers().toString())
                                        .contains("table public.en is stopped")
                                        .contains(parts));
    }

    @Test
    void aTypeThatChangedOnTheSourcePausesItsTableUntilItIsAccepted() throws Exception {
        try (MigrationScene scene = scene("varchar")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("ALTER TABLE en ALTER s TYPE text");
            scene.source.execute("UPDATE en SET s = 'x' WHERE id < 10");
            awaitStopped(
                    scene,
                    "column s: character varying → text",
                    "millrace resume --table public.en --accept-schema");
            scene.source.execute("UPDATE other SET v = 'w'", "DELETE FROM en WHERE id = 50");
            await().atMost(WAIT).until(() -> count(scene, "other WHERE v = 'w'") == 100);
            assertThat(schemaGate(scene).value()).isEqualTo("changed: [public.en]");
            assertThatThrownBy(() -> scene.running().rejected().resume(resume(false)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("--accept-schema");
            assertThatThrownBy(() -> scene.running().rejected().resume(dryRun(false)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("--accept-schema");
            assertThat(scene.running().rejected().resume(dryRun(true))).contains("would continue");

            scene.stop();
            scene.source.execute("UPDATE en SET s = 'y' WHERE id = 60");
            scene.start();
            awaitStopped(scene, "column s: character varying → text");
            await().atMost(WAIT)
                    .until(
                            () ->
                                    !scene.running().rejected().live().stream()
                                            .capture()
                                            .paused()
                                            .changes()
                                            .isEmpty());
            assertThat(scene.running().rejected().resume(resume(true)))
                    .contains("public.en continues");
            scene.awaitPhase("IN_SYNC");
            assertThat(count(scene, "en WHERE s IN ('x', 'y')")).isEqualTo(10);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(schemaGate(scene).ok()).as("without a restart").isTrue();

            scene.stop();
            scene.start();
            scene.awaitPhase("IN_SYNC");
            assertThat(scene.running().status().blockers()).isEmpty();
        }
    }

    @Test
    void aTableContinuesByItselfWhenItsTypeIsTheExpectedOneAgain() throws Exception {
        try (MigrationScene scene = scene("varchar")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("ALTER TABLE en ALTER s TYPE text");
            scene.source.execute("UPDATE en SET s = 'x' WHERE id < 10");
            awaitStopped(scene, "column s: character varying → text");

            scene.stop();
            scene.source.execute("ALTER TABLE en ALTER s TYPE varchar");
            scene.start();
            scene.awaitPhase("IN_SYNC");

            assertThat(count(scene, "en WHERE s = 'x'")).isEqualTo(9);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        }
    }

    /// Values may have changed without an event, so nobody can accept it; other tables go on.
    @Test
    void aRewrittenTableStaysStoppedAndOthersGoOn() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("ALTER TABLE en ALTER s TYPE text USING upper(s)");
            awaitStopped(scene, "were rewritten", "must be read again");
            scene.source.execute("UPDATE other SET v = 'w'");
            await().atMost(WAIT).until(() -> count(scene, "other WHERE v = 'w'") == 100);
            assertThatThrownBy(() -> scene.running().rejected().resume(resume(true)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("must be read again");

            scene.stop();
            scene.start();
            awaitStopped(scene, "were rewritten");
            scene.source.execute("UPDATE other SET v = 'z'");
            await().atMost(WAIT).until(() -> count(scene, "other WHERE v = 'z'") == 100);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.UNDECIDED);
            assertThatThrownBy(() -> scene.running().rejected().resume(resume(false)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("millrace rebackfill");
            assertThatThrownBy(() -> scene.running().rejected().resume(dryRun(true)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("millrace rebackfill");
            assertThat(count(scene, "en WHERE s = 'a'")).isEqualTo(100);
        }
    }
}
