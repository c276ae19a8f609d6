package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.ending.Ending;
import dev.millrace.ending.Ending.Kind;
import dev.millrace.ending.Ending.State;
import dev.millrace.ending.EndingStep;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.ending.MigrationLife;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Operation;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Ends migrations between real servers.
class EndingIT {

    private static EndingScene inSync(MigrationScene scene) throws Exception {
        scene.declared().table("item", "id int PRIMARY KEY, name text UNIQUE").reversible();
        scene.source.execute("INSERT INTO item VALUES (1, 'one'), (2, 'two')");
        Inventory before = Inventory.beforeStart(scene);
        scene.start();
        scene.awaitPhase("IN_SYNC");
        // As stateful mappings leave it.
        Files.createDirectories(
                scene.dataDir.resolve(scene.name).resolve("state").resolve("store"));
        return new EndingScene(scene, before);
    }

    private static JsonNode archive(MigrationScene scene) throws Exception {
        return JsonMapper.builder().build().readTree(Files.readString(scene.premises().archive()));
    }

    @Test
    void anAbortLeavesNothingButTheRowsAndTheArchive() throws Exception {
        try (MigrationScene scene = new MigrationScene().separateRoles()) {
            EndingScene ending = inSync(scene);
            try (MigrationLife life = ending.running(EndingStep.Trace.NONE)) {
                Ending end = ending.end(life, Kind.ABORT);

                assertThat(end.steps())
                        .allSatisfy(step -> assertThat(step.state()).isEqualTo("done"));
                assertThat(life.status().phase()).isEqualTo("ABORTED");
                ending.assertNothingIsLeft();
            }
            assertThat(scene.target.query("SELECT name FROM item ORDER BY id"))
                    .containsExactly(List.of("one"), List.of("two"));
            scene.target.execute("UPDATE item SET name = 'writable' WHERE id = 1");
            JsonNode archive = archive(scene);
            assertThat(archive.path("from").asString()).isEqualTo("IN_SYNC");
            assertThat(archive.path("evidence").path("target").path("journal").toString())
                    .contains("IN_SYNC", "abort", "a test", "tester");
            assertThat(archive.path("plan").path("tables").toString()).contains("\"item\"");
        }
    }

    @Test
    void aStartThatFindsTheArchiveServesItAndCreatesNothing() throws Exception {
        try (MigrationScene scene = new MigrationScene().separateRoles()) {
            EndingScene ending = inSync(scene);
            UUID id;
            try (MigrationLife life = ending.running(EndingStep.Trace.NONE)) {
                id = Objects.requireNonNull(ending.end(life, Kind.ABORT).id());
            }

            try (MigrationLife next = ending.next(EndingStep.Trace.NONE)) {
                assertThat(next.status().phase()).isEqualTo("ABORTED");
                assertThat(next.status().blockers()).isEmpty();
                assertThat(next.ending(id).orElseThrow().state()).isEqualTo(State.DONE);
                assertThatThrownBy(() -> next.reconcile(List.of()))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContaining("has ended (ABORTED)");
                assertThatThrownBy(() -> next.end(EndingScene.request(Kind.ABORT, false)))
                        .isInstanceOf(RefusedException.class);
            }
            ending.assertNothingIsLeft();
        }
    }

    @Test
    void aDryRunNamesEverythingAndChangesNothing() throws Exception {
        try (MigrationScene scene = new MigrationScene().separateRoles()) {
            EndingScene ending = inSync(scene);
            Inventory running = Inventory.ofRunning(scene);
            try (MigrationLife life = ending.running(EndingStep.Trace.NONE)) {
                Ending dry = life.end(EndingScene.request(Kind.ABORT, true));

                assertThat(dry.state()).isEqualTo(State.DRY_RUN);
                assertThat(dry.steps().toString())
                        .contains(
                                scene.stream().slot(),
                                scene.stream().publication(),
                                "trigger ",
                                "schema millrace (target)",
                                scene.stream().topics().changes(),
                                scene.dataDir.resolve(scene.name).toString());
                assertThat(Inventory.of(scene)).isEqualTo(running);
                assertThat(life.status().phase()).isEqualTo("IN_SYNC");
            }
        }
    }

    /// Every next process is killed one effect later.
    ///
    /// @return the id of the end
    private static UUID killAtEachStep(EndingScene ending, EndRequest request, String phase)
            throws Exception {
        List<String> kills =
                EndingStep.of(request.renameOld().isPresent()).stream()
                        .flatMap(step -> Stream.of(step + " before", step + " after"))
                        .toList();
        List<String> killed = new ArrayList<>();
        for (String kill : kills) {
            CountDownLatch dead = new CountDownLatch(1);
            EndingStep.Trace trace =
                    (step, moment) -> {
                        if (kill.equals(step + " " + moment)) {
                            dead.countDown();
                            throw new BankScene.Killed();
                        }
                    };
            try (MigrationLife life =
                    killed.isEmpty() ? ending.running(trace) : ending.next(trace)) {
                if (killed.isEmpty()) {
                    life.end(request);
                }
                assertThat(dead.await(60, TimeUnit.SECONDS))
                        .as("%s: %s", kill, life.status().blockers())
                        .isTrue();
                assertThat(life.status().phase()).isEqualTo(phase);
                killed.add(kill);
            }
        }
        assertThat(killed).isEqualTo(kills);
        return UUID.fromString(archive(ending.scene()).path("id").asString());
    }

    @Test
    void anAbortThatIsKilledBeforeOrAfterAnyStepIsContinued() throws Exception {
        try (MigrationScene scene = new MigrationScene().separateRoles()) {
            EndingScene ending = inSync(scene);

            UUID id = killAtEachStep(ending, EndingScene.request(Kind.ABORT, false), "IN_SYNC");

            try (MigrationLife last = ending.next(EndingStep.Trace.NONE)) {
                EndingScene.awaitEnd(last, id);
                assertThat(last.status().phase()).isEqualTo("ABORTED");
            }
            ending.assertNothingIsLeft();
        }
    }

    @Test
    void aCompletionThatIsKilledBeforeOrAfterAnyStepIsContinued() throws Exception {
        try (BankScene bank = BankScene.switched()) {
            EndingScene ending = new EndingScene(bank.scene, bank.untouched);

            UUID id =
                    killAtEachStep(
                            ending,
                            EndingScene.renaming("_old", false, EndingScene.USED),
                            "REVERSIBLE");

            try (MigrationLife last = ending.next(EndingStep.Trace.NONE)) {
                EndingScene.awaitEnd(last, id);
                assertThat(last.status().phase()).isEqualTo("COMPLETED");
            }
            assertThat(tables(bank)).isEqualTo(RENAMED);
            bank.scene.source.execute(
                    "ALTER TABLE account_old RENAME TO account",
                    "ALTER TABLE ledger_old RENAME TO ledger");
            ending.assertNothingIsLeft();
        }
    }

    /// Another process took over while this one was stopped, and has the migration now.
    @Test
    void nothingIsRemovedIfAnotherProcessHasRunTheMigrationSince() throws Exception {
        try (MigrationScene scene = new MigrationScene().separateRoles()) {
            EndingScene ending = inSync(scene);
            Inventory running = Inventory.ofRunning(scene);
            CountDownLatch dead = new CountDownLatch(1);
            try (MigrationLife life =
                    ending.running(
                            (_, moment) -> {
                                if (moment.equals("after")) {
                                    dead.countDown();
                                    throw new BankScene.Killed();
                                }
                            })) {
                life.end(EndingScene.request(Kind.ABORT, false));
                assertThat(dead.await(60, TimeUnit.SECONDS)).isTrue();
            }
            scene.target.execute("UPDATE millrace.owner SET epoch = epoch + 1");

            try (MigrationLife next = ending.next(EndingStep.Trace.NONE)) {
                Awaitility.await()
                        .atMost(Duration.ofSeconds(30))
                        .until(
                                () -> next.status().blockers().toString(),
                                blockers -> blockers.contains("has run the migration after"));
                // Longer than until the next attempt.
                Awaitility.await()
                        .during(Duration.ofSeconds(3))
                        .atMost(Duration.ofSeconds(10))
                        .until(() -> next.status().phase().equals("IN_SYNC"));
            }
            assertThat(running.minus(Inventory.of(scene)))
                    .allSatisfy(gone -> assertThat(gone).contains("advisory lock"));
        }
    }

    /// Another migration has rows in the same control schema.
    @Test
    void anotherMigrationOfTheSameDatabaseKeepsItsRows() throws Exception {
        try (MigrationScene scene = new MigrationScene().separateRoles()) {
            EndingScene ending = inSync(scene);
            scene.target.execute(
                    "INSERT INTO millrace.journal (migration, who, phase, event) VALUES ('other', 'x', 'IN_SYNC', 'phase')");
            try (MigrationLife life = ending.running(EndingStep.Trace.NONE)) {
                Ending end = ending.end(life, Kind.ABORT);

                assertThat(end.steps().toString()).contains("rows of other migrations");
            }
            assertThat(scene.target.query("SELECT DISTINCT migration FROM millrace.journal"))
                    .containsExactly(List.of("other"));
            assertThat(scene.target.query("SELECT FROM millrace.lease")).isEmpty();
        }
    }

    @Test
    void aCompletionLeavesNothingButTheRowsAndTheArchive() throws Exception {
        try (BankScene bank = BankScene.withClients()) {
            bank.move(Operation.Kind.SWITCHOVER);
            bank.scene.awaitPhase("REVERSIBLE");
            bank.traffic.awaitProgress("target");
            EndingScene ending = new EndingScene(bank.scene, bank.untouched);
            try (MigrationLife life = ending.running(EndingStep.Trace.NONE)) {
                assertThatThrownBy(() -> life.end(EndingScene.request(Kind.ABORT, false)))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContaining("Run rollback or complete");
                // The clients read the flag table of the source.
                assertThatThrownBy(() -> life.end(EndingScene.request(Kind.COMPLETE, false)))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContaining("Gate source-unused is closed (session ")
                        .hasMessageNotContaining("source-writes");
                assertThat(life.status().phase()).isEqualTo("REVERSIBLE");

                ending.end(life, Kind.COMPLETE, EndingScene.USED);

                assertThat(life.status().phase()).isEqualTo("COMPLETED");
                bank.traffic.awaitProgress("target");
                ending.assertNothingIsLeft();
            }
            bank.traffic.close();
            bank.traffic.assertComplete(bank.scene.target);
            bank.scene.source.execute("UPDATE account SET balance = 0 WHERE id = 0");
        }
    }

    private static final List<List<String>> RENAMED =
            List.of(List.of("account_old"), List.of("ledger_old"));

    private static List<List<String>> tables(BankScene bank) {
        return bank.scene.source.query(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1");
    }

    /// A kill between the rename and its entry in the archive must not rename twice.
    @Test
    void theOldTablesAreRenamedAtLast() throws Exception {
        try (BankScene bank = BankScene.switched()) {
            EndingScene ending = new EndingScene(bank.scene, bank.untouched);
            CountDownLatch dead = new CountDownLatch(1);
            EndingStep.Trace trace =
                    (step, moment) -> {
                        if (step == EndingStep.RENAME && moment.equals("after")) {
                            dead.countDown();
                            throw new BankScene.Killed();
                        }
                    };
            try (MigrationLife life = ending.running(trace)) {
                Ending dry = life.end(EndingScene.renaming("_old", true));
                assertThat(dry.steps().getLast().note())
                        .contains("public.account to account_old", "public.ledger to ledger_old");
                assertThat(dry.gates())
                        .filteredOn(gate -> gate.name().equals("source-reads"))
                        .singleElement()
                        .satisfies(
                                gate ->
                                        assertThat(gate.reason())
                                                .doesNotContain("not read at the switchover"));
                assertThat(tables(bank)).doesNotContainAnyElementsOf(RENAMED);

                life.end(EndingScene.renaming("_old", false, EndingScene.USED));
                assertThat(dead.await(60, TimeUnit.SECONDS)).isTrue();
            }
            assertThat(tables(bank)).isEqualTo(RENAMED);
            assertThat(archive(bank.scene).path("renames").toString())
                    .contains("account_old", "ledger_old");
            assertThat(archive(bank.scene).path("evidence").path("source").path("sourceUse"))
                    .hasSize(1);
            UUID id = UUID.fromString(archive(bank.scene).path("id").asString());
            try (MigrationLife next = ending.next(EndingStep.Trace.NONE)) {
                Ending end = EndingScene.awaitEnd(next, id);
                assertThat(end.steps().getLast().note())
                        .startsWith("Renamed: public.account to account_old")
                        .doesNotContain("by others");
            }
            assertThat(tables(bank)).isEqualTo(RENAMED);
        }
    }

    @Test
    void aTakenNameRefusesTheRenameBeforeAnythingChanges() throws Exception {
        try (BankScene bank = BankScene.switched()) {
            bank.scene.source.execute("CREATE TABLE account_old (id int)");
            EndingScene ending = new EndingScene(bank.scene, bank.untouched);
            try (MigrationLife life = ending.running(EndingStep.Trace.NONE)) {
                Inventory running = Inventory.ofRunning(bank.scene);

                assertThatThrownBy(
                                () ->
                                        life.end(
                                                EndingScene.renaming(
                                                        "_old",
                                                        false,
                                                        "source-unused",
                                                        "source-reads",
                                                        "rename-old")))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContaining("account_old is taken")
                        .hasMessageContaining("cannot be forced");

                assertThat(Inventory.of(bank.scene)).isEqualTo(running);
                assertThat(bank.scene.premises().archive()).doesNotExist();
                assertThat(life.status().phase()).isEqualTo("REVERSIBLE");
            }
        }
    }

    @Test
    void aCompletionNeedsASwitchover() throws Exception {
        try (MigrationScene scene = new MigrationScene().separateRoles()) {
            EndingScene ending = inSync(scene);
            try (MigrationLife life = ending.running(EndingStep.Trace.NONE)) {
                assertThatThrownBy(() -> life.end(EndingScene.request(Kind.COMPLETE, false)))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContaining("only in REVERSIBLE");
                assertThat(scene.premises().archive()).doesNotExist();
            }
        }
    }

    @Test
    void anIndexThatWasDroppedForTheBackfillIsCreatedAgain() throws Exception {
        try (MigrationScene scene = new MigrationScene().separateRoles().indexesAfterBackfill()) {
            scene.declared().table("item", "id int PRIMARY KEY, name text");
            scene.target.execute("CREATE INDEX item_name ON item (name)");
            scene.source.execute("INSERT INTO item VALUES (1, 'one')");
            Inventory before = Inventory.beforeStart(scene);
            scene.start();
            scene.awaitPhase("IN_SYNC");
            // As it is in the middle of a backfill.
            scene.target.execute(
                    "UPDATE millrace.dropped_definition SET restored_at = NULL",
                    "DROP INDEX item_name");
            EndingScene ending = new EndingScene(scene, before);
            try (MigrationLife life = ending.running(EndingStep.Trace.NONE)) {
                ending.end(life, Kind.ABORT);
            }
            ending.assertNothingIsLeft();
        }
    }
}
