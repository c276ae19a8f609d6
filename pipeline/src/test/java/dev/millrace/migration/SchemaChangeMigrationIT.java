package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.flow.FlowChange;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.rejected.TableChange;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.testing.Waits;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The definition of a table changes while the migration runs: nothing is lost, other tables go on,
/// and it continues by itself when the target has the change too.
class SchemaChangeMigrationIT {

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
            await().atMost(Waits.LIMIT).until(() -> count(scene, "other WHERE v = 'w'") == 49);
            await().atMost(Waits.LIMIT)
                    .untilAsserted(
                            () ->
                                    assertThat(scene.running().status().warnings().toString())
                                            .contains(
                                                    "column s of target table public.en",
                                                    "has no label c",
                                                    "ALTER TYPE \"public\".\"st\" ADD VALUE 'c';"));
            await().atMost(Waits.LIMIT)
                    .until(() -> scene.running().rejected().list(Optional.empty(), 99).size() == 9);
            assertThat(scene.running().rejected().list(Optional.empty(), 1).getFirst().cause())
                    .contains("column s", "type st", "22P02");

            scene.stop();
            scene.source.execute("UPDATE en SET s = 'b' WHERE id = 5");
            scene.target.execute("ALTER TYPE st ADD VALUE 'c' BEFORE 'b'");
            scene.start();
            await().atMost(Waits.LIMIT)
                    .until(() -> scene.running().rejected().list(Optional.empty(), 99).isEmpty());
            scene.awaitPhase("IN_SYNC");

            assertThat(count(scene, "en WHERE s = 'c'")).isEqualTo(8);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            await().atMost(Waits.LIMIT)
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
            await().atMost(Waits.LIMIT)
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
            await().atMost(Waits.LIMIT).until(() -> count(scene, "other WHERE v = 'w'") == 100);
            await().atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    scene.running()
                                            .status()
                                            .blockers()
                                            .toString()
                                            .contains("table public.en is stopped"));

            scene.awaitPhase("CATCHING_UP");
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

    /// The text of a value that is only copied does not depend on its type.
    @Test
    void anAcceptedTypeOfACopiedColumnOpensTheGateSchema() throws Exception {
        try (MigrationScene scene = copied("cidr", "10.0.0.0/8")) {
            alterBoth(scene, "inet");
            awaitStopped(scene, "column s: cidr → inet");
            assertThat(schemaGate(scene).value()).isEqualTo("changed: [public.en]");

            scene.running().rejected().resume(resume(true));
            scene.awaitPhase("IN_SYNC");

            assertThat(schemaGate(scene).ok()).as(schemaGate(scene).toString()).isTrue();
        }
    }

    /// The mappings of the running process compute with the type of before.
    @Test
    void anAcceptedTypeOfAComputedColumnOpensTheGateSchemaAtTheNextStart() throws Exception {
        try (MigrationScene scene = new MigrationScene().backfill(Backfill.WINDOWS)) {
            String columns = "id int PRIMARY KEY, s varchar";
            scene.table("en", columns).select("en", "SELECT id, lower(s) AS s FROM public.en");
            scene.source.execute("INSERT INTO en VALUES (1, 'A')");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("ALTER TABLE en ALTER s TYPE text");
            awaitStopped(scene, "column s: character varying → text");
            scene.running().rejected().resume(resume(true));
            scene.awaitPhase("IN_SYNC");

            assertThat(schemaGate(scene).value()).isEqualTo("changed: [public.en]");

            scene.stop();
            scene.start();
            scene.awaitPhase("IN_SYNC");
            assertThat(schemaGate(scene).ok()).as(schemaGate(scene).toString()).isTrue();
        }
    }

    /// The type itself is the same, so the table does not pause.
    @Test
    void anotherPrecisionOfACopiedColumnLeavesTheGateSchemaOpen() throws Exception {
        try (MigrationScene scene = copied("numeric(10,2)", "1.50")) {
            alterBoth(scene, "numeric(12,2)");

            assertThat(schemaGate(scene).ok()).as(schemaGate(scene).toString()).isTrue();
        }
    }

    private static MigrationScene copied(String type, String value) throws Exception {
        MigrationScene scene = new MigrationScene().backfill(Backfill.WINDOWS);
        scene.table("en", "id int PRIMARY KEY, s " + type).declared();
        scene.source.execute("INSERT INTO en VALUES (1, '%s')".formatted(value));
        scene.start();
        scene.awaitPhase("IN_SYNC");
        return scene;
    }

    private static void alterBoth(MigrationScene scene, String type) {
        String alter = "ALTER TABLE en ALTER s TYPE " + type;
        scene.target.execute(alter);
        scene.source.execute(alter);
    }

    private static TableChange dryRun(boolean acceptSchema) {
        return new TableChange(
                "public.en", acceptSchema, "", Optional.of("ann"), Optional.empty(), true);
    }

    private static TableChange resume(boolean acceptSchema) {
        return new TableChange(
                "public.en", acceptSchema, "", Optional.of("ann"), Optional.empty(), false);
    }

    /// The phase follows the blocker a moment later.
    private static void awaitStopped(MigrationScene scene, String... parts) {
        await().atMost(Waits.LIMIT)
                .untilAsserted(
                        () -> {
                            assertThat(scene.running().status().blockers().toString())
                                    .contains("table public.en is stopped")
                                    .contains(parts);
                            assertThat(scene.running().status().phase()).isNotEqualTo("IN_SYNC");
                        });
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
            await().atMost(Waits.LIMIT).until(() -> count(scene, "other WHERE v = 'w'") == 100);
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
            await().atMost(Waits.LIMIT)
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

    /// Values may have changed without an event, so a table that is accepted is read again.
    @Test
    void aRewrittenTableIsReadAgainWhenItIsAccepted() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("ALTER TABLE en ALTER s TYPE text USING upper(s)");
            awaitStopped(scene, "ALTER COLUMN TYPE", "--accept-schema", "read again");
            assertOthersFlow(scene);
            assertThat(scene.reconcile("public.en").verdict()).isEqualTo(Verdict.UNDECIDED);

            scene.stop();
            scene.start();
            awaitStopped(scene, "ALTER COLUMN TYPE");
            awaitCompared(scene);
            assertThatThrownBy(() -> scene.running().rejected().resume(resume(false)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("--accept-schema");
            scene.running().rejected().resume(resume(true));
            assertReadAgain(scene);
            assertThat(count(scene, "en WHERE s = 'A'")).isEqualTo(100);
        }
    }

    private static void awaitCompared(MigrationScene scene) {
        await().atMost(Waits.LIMIT)
                .until(
                        () ->
                                !scene.running().rejected().live().stream()
                                        .capture()
                                        .paused()
                                        .changes()
                                        .isEmpty());
    }

    private static void assertOthersFlow(MigrationScene scene) {
        scene.source.execute("UPDATE other SET v = v || 'w'");
        String values = "SELECT string_agg(v, '' ORDER BY id) FROM other";
        await().atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(scene.target.value(values))
                                        .isEqualTo(scene.source.value(values)));
    }

    private static void assertReadAgain(MigrationScene scene) throws Exception {
        scene.awaitPhase("IN_SYNC");
        assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(scene.running().status().generation()).isEqualTo(1);
        assertThat(scene.running().status().blockers()).isEmpty();
        assertThat(scene.target.value("SELECT count(*) FROM millrace.parked_key")).isEqualTo("0");
        assertThat(
                        scene.target.value(
                                "SELECT string_agg(DISTINCT target, '') FROM millrace.rebackfill"
                                        + " WHERE finished_at IS NOT NULL"))
                .isEqualTo("public.en");
    }

    private static void assertAcceptanceRefused(MigrationScene scene, String why) {
        awaitCompared(scene);
        assertThatThrownBy(() -> scene.running().rejected().resume(resume(true)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining(why);
        assertThatThrownBy(() -> scene.running().rejected().resume(dryRun(true)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining(why);
    }

    /// Changes under another name of a column, also of the key, cannot be mapped.
    @ParameterizedTest
    @CsvSource({"s, t, id, t", "id, nr, nr, s"})
    void aRenamedColumnPausesItsTableUntilItIsRenamedBack(
            String column, String to, String key, String value) throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "ALTER TABLE en RENAME " + column + " TO " + to,
                    "UPDATE en SET %s = 'x' WHERE %s < 10".formatted(value, key),
                    "DELETE FROM en WHERE %s = 50".formatted(key),
                    "INSERT INTO en VALUES (200, 'n')");
            awaitStopped(scene, "column %s was renamed to %s".formatted(column, to), "Restore it");
            assertOthersFlow(scene);
            assertAcceptanceRefused(scene, "Restore it");
            assertThat(scene.reconcile("public.other").verdict()).isEqualTo(Verdict.EQUAL);

            scene.source.execute("ALTER TABLE en RENAME " + to + " TO " + column);
            scene.source.execute("UPDATE en SET s = 'y' WHERE id = 60");
            assertReadAgain(scene);
            assertThat(count(scene, "en WHERE s IN ('x', 'y')")).isEqualTo(10);
        }
    }

    @Test
    void aColumnThatIsRenamedBackWhileTheServiceIsStoppedLosesNothing() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "ALTER TABLE en RENAME s TO t", "UPDATE en SET t = 'x' WHERE id < 10");
            awaitStopped(scene, "column s was renamed to t");
            scene.stop();
            scene.source.execute(
                    "UPDATE en SET t = 'z' WHERE id > 90",
                    "ALTER TABLE en RENAME t TO s",
                    "UPDATE en SET s = 'y' WHERE id = 60");
            scene.start();
            assertReadAgain(scene);
            assertThat(count(scene, "en WHERE s IN ('x', 'y', 'z')")).isEqualTo(20);
        }
    }

    /// The columns have their names again before anybody sees what was between.
    @Test
    void aColumnThatHadAnotherNameWhileTheServiceWasStoppedIsReadAgain() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.stop();
            scene.source.execute(
                    "ALTER TABLE en RENAME s TO t",
                    "UPDATE en SET t = 'x' WHERE id < 10",
                    "ALTER TABLE en RENAME t TO s");
            scene.start();
            await().atMost(Waits.LIMIT).until(() -> count(scene, "en WHERE s = 'x'") == 9);
            assertReadAgain(scene);
        }
    }

    /// The stream has every change of a type, but not those under the other name.
    @Test
    void aColumnThatHadAnotherNameWhileItsTableAwaitedAcceptanceIsReadAgain() throws Exception {
        try (MigrationScene scene = scene("varchar")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("ALTER TABLE en ALTER s TYPE text");
            awaitStopped(scene, "column s: character varying → text");
            scene.stop();
            scene.source.execute(
                    "ALTER TABLE en RENAME s TO t",
                    "UPDATE en SET t = 'x' WHERE id < 10",
                    "ALTER TABLE en RENAME t TO s");
            scene.start();
            awaitStopped(scene, "column s: character varying → text");
            assertOthersFlow(scene);
            awaitCompared(scene);

            scene.running().rejected().resume(resume(true));
            assertReadAgain(scene);
            assertThat(count(scene, "en WHERE s = 'x'")).isEqualTo(9);
        }
    }

    @Test
    void aRenamedTablePausesUntilItIsRenamedBack() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "ALTER TABLE en RENAME TO en_old",
                    "UPDATE en_old SET s = 'x' WHERE id < 10",
                    "DELETE FROM en_old WHERE id = 50");
            awaitStopped(scene, "it was renamed or moved to public.en_old", "Restore it");
            assertOthersFlow(scene);
            assertAcceptanceRefused(scene, "Restore it");

            scene.source.execute("ALTER TABLE en_old RENAME TO en");
            assertReadAgain(scene);
            assertThat(count(scene, "en WHERE s = 'x'")).isEqualTo(9);
        }
    }

    /// The stream carries nothing of the table, but the capture goes on with the others.
    @Test
    void aCaptureThatStartsAgainWhileATableIsRenamedLosesNothing() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "ALTER TABLE en RENAME TO en_old", "UPDATE en_old SET s = 'x' WHERE id < 10");
            awaitStopped(scene, "it was renamed or moved to public.en_old");
            String sender =
                    "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '"
                            + CaptureSettings.slot(scene.name)
                            + "'";
            String before = scene.source.value(sender);
            scene.source.query("SELECT pg_terminate_backend((" + sender + "))");
            await().atMost(Waits.LIMIT)
                    .until(
                            () -> {
                                String now = scene.source.value(sender);
                                return now != null && !now.equals(before);
                            });
            assertOthersFlow(scene);
            awaitStopped(scene, "it was renamed or moved to public.en_old");
            assertThat(scene.running().status().phase()).isNotEqualTo("FAILED");

            scene.source.execute("ALTER TABLE en_old RENAME TO en");
            assertReadAgain(scene);
            assertThat(count(scene, "en WHERE s = 'x'")).isEqualTo(9);
        }
    }

    /// A table that pauses while it is read again may stay so for days.
    @Test
    void aTableThatPausesWhileItIsReadAgainHoldsNoOtherTable() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            change(scene, new FlowChange.Action.Pause(FlowChange.Part.BACKFILL));
            renameForAMoment(scene, "en");
            awaitOperation(scene, "public.en", "step = 'sweep'");

            scene.source.execute(
                    "ALTER TABLE en RENAME s TO t", "UPDATE en SET t = 'x' WHERE id < 10");
            awaitOperation(scene, "public.en", "outcome LIKE '%definition%'");
            renameForAMoment(scene, "other");
            change(scene, new FlowChange.Action.Resume(FlowChange.Part.BACKFILL));
            awaitOperation(scene, "public.other", "outcome LIKE 'public.other was read again%'");
            awaitStopped(scene, "column s was renamed to t");
            assertThat(scene.reconcile("public.other").verdict()).isEqualTo(Verdict.EQUAL);

            scene.source.execute("ALTER TABLE en RENAME t TO s");
            scene.awaitPhase("IN_SYNC");
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(count(scene, "en WHERE s = 'x'")).isEqualTo(9);
            assertThat(count(scene, "millrace.lost_changes")).isZero();
        }
    }

    @Test
    void aTableThatTookTheNameOfAnotherIsReadByARebackfill() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "CREATE TABLE en_new (id int PRIMARY KEY, s text)",
                    "INSERT INTO en_new SELECT g, 'new' FROM generate_series(51, 120) g",
                    "ALTER TABLE en RENAME TO en_old",
                    "ALTER TABLE en_new RENAME TO en");
            awaitStopped(
                    scene, "another table has its name", "its name back", "millrace rebackfill");
            assertAcceptanceRefused(scene, "its name back");

            scene.publishAgain();
            scene.running()
                    .rebackfill(
                            new Rebackfill.Request(
                                    Optional.empty(),
                                    "",
                                    Optional.empty(),
                                    Optional.empty(),
                                    Optional.empty(),
                                    false));
            scene.awaitPhase("IN_SYNC");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(count(scene, "en WHERE s = 'new'")).isEqualTo(70);
            assertThat(count(scene, "en")).isEqualTo(70);
        }
    }

    /// The stream has every change of the table, so nothing has to be read again for the pause.
    @Test
    void anOperationWaitsForItsTableThatAwaitsAcceptance() throws Exception {
        try (MigrationScene scene = scene("varchar")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            change(scene, new FlowChange.Action.Pause(FlowChange.Part.BACKFILL));
            scene.running()
                    .rebackfill(
                            new Rebackfill.Request(
                                    Optional.of("public.en"),
                                    "",
                                    Optional.empty(),
                                    Optional.empty(),
                                    Optional.empty(),
                                    false));
            awaitOperation(scene, "public.en", "step = 'sweep'");
            scene.source.execute("ALTER TABLE en ALTER s TYPE text");
            awaitStopped(scene, "column s: character varying → text");
            change(scene, new FlowChange.Action.Resume(FlowChange.Part.BACKFILL));
            awaitStopped(scene, "step sweep: waits for source table public.en");

            scene.running().rejected().resume(resume(true));
            assertReadAgain(scene);
        }
    }

    /// Under the other name the table may have been changed, and this leaves no trace.
    private static void renameForAMoment(MigrationScene scene, String table) {
        scene.source.execute(
                "BEGIN",
                "ALTER TABLE " + table + " RENAME TO elsewhere",
                "ALTER TABLE elsewhere RENAME TO " + table,
                "COMMIT");
    }

    private static void awaitOperation(MigrationScene scene, String table, String condition) {
        await().atMost(Waits.LIMIT)
                .until(
                        () ->
                                count(
                                                scene,
                                                "millrace.rebackfill WHERE target = '%s' AND %s"
                                                        .formatted(table, condition))
                                        > 0);
    }

    @Test
    void aDroppedColumnIsReadAgainWhenAnotherOneIsAccepted() throws Exception {
        try (MigrationScene scene = scene("text")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "ALTER TABLE en DROP COLUMN s",
                    "INSERT INTO en VALUES (200)",
                    "DELETE FROM en WHERE id = 50");
            awaitStopped(scene, "column s was dropped", "Add another one with its name");
            assertOthersFlow(scene);

            scene.source.execute("ALTER TABLE en ADD COLUMN s text DEFAULT 'z'");
            awaitStopped(scene, "another one has its name", "--accept-schema");
            await().atMost(Waits.LIMIT)
                    .untilAsserted(
                            () ->
                                    assertThat(scene.running().rejected().resume(resume(true)))
                                            .contains("continues"));
            assertReadAgain(scene);
            assertThat(count(scene, "en WHERE s = 'z'")).isEqualTo(100);
        }
    }

    @Test
    void aColumnThatNoMappingReadsMayBeRenamedAndDropped() throws Exception {
        try (MigrationScene scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .select("slim", "SELECT id, a FROM public.wide")) {
            scene.source.execute(
                    "CREATE TABLE wide (id int PRIMARY KEY, a text, b text, c text)",
                    "INSERT INTO wide SELECT g, 'a', 'b', 'c' FROM generate_series(1, 100) g");
            scene.target.execute("CREATE TABLE slim (id int PRIMARY KEY, a text)");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "ALTER TABLE wide RENAME b TO d",
                    "ALTER TABLE wide DROP COLUMN c",
                    "UPDATE wide SET a = 'x' WHERE id < 10");
            await().atMost(Waits.LIMIT).until(() -> count(scene, "slim WHERE a = 'x'") == 9);
            scene.awaitPhase("IN_SYNC");
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM millrace.rebackfill"))
                    .isEqualTo("0");
        }
    }

    private static void change(MigrationScene scene, FlowChange.Action action) {
        scene.running()
                .change(new FlowChange(action, "", Optional.empty(), Optional.empty(), false));
    }

    @ParameterizedTest
    @CsvSource({"varchar, text", "text, text USING upper(s)"})
    void aTypeThatChangesBeforeTheBackfillIsCompletePausesItsTable(String before, String after)
            throws Exception {
        try (MigrationScene scene = scene(before)) {
            scene.start();
            change(scene, new FlowChange.Action.Pause(FlowChange.Part.BACKFILL));
            scene.awaitPhase("BACKFILLING");
            await().atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    scene.streams()
                                            && scene.running().rejected().live().stream()
                                                    .backfill()
                                                    .isPresent());
            assertThat(count(scene, "en")).as("not read yet").isZero();
            scene.source.execute(
                    "ALTER TABLE en ALTER s TYPE " + after, "UPDATE en SET s = 'x' WHERE id < 10");
            awaitStopped(scene, "--accept-schema");
            change(scene, new FlowChange.Action.Resume(FlowChange.Part.BACKFILL));
            await().atMost(Waits.LIMIT).until(() -> count(scene, "other") == 100);
            scene.running().rejected().resume(resume(true));
            scene.awaitPhase("IN_SYNC");

            assertThat(count(scene, "en WHERE s = 'x'")).isEqualTo(9);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.running().status().generation()).isEqualTo(1);
        }
    }
}
