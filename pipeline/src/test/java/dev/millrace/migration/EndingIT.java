package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.ending.Ending;
import dev.millrace.ending.Ending.Kind;
import dev.millrace.ending.EndingStep;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.ending.MigrationLife;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Operation;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Ends migrations between real servers.
class EndingIT {

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
        return UUID.fromString(ending.archive().path("id").asString());
    }

    @Test
    void anAbortThatIsKilledBeforeOrAfterAnyStepIsContinued() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            EndingScene ending = EndingScene.inSync(scene);

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
            ending.allowRenames();

            UUID id =
                    killAtEachStep(
                            ending,
                            EndingScene.renaming("_old", false, EndingScene.USED),
                            "REVERSIBLE");

            try (MigrationLife last = ending.next(EndingStep.Trace.NONE)) {
                EndingScene.awaitEnd(last, id);
                assertThat(last.status().phase()).isEqualTo("COMPLETED");
            }
            assertThat(ending.tables()).isEqualTo(EndingScene.RENAMED);
            bank.scene.source.execute(
                    "ALTER TABLE account_old RENAME TO account",
                    "ALTER TABLE ledger_old RENAME TO ledger");
            ending.assertNothingIsLeft();
        }
    }

    /// Another process took over while this one was stopped, and has the migration now.
    @Test
    void nothingIsRemovedIfAnotherProcessHasRunTheMigrationSince() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            EndingScene ending = EndingScene.inSync(scene);
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
                        .atMost(Waits.LIMIT)
                        .until(
                                () -> next.status().blockers().toString(),
                                blockers -> blockers.contains("has run the migration after"));
                // Longer than until the next attempt.
                Awaitility.await()
                        .during(Duration.ofSeconds(3))
                        .atMost(Waits.LIMIT)
                        .until(() -> next.status().phase().equals("IN_SYNC"));
            }
            assertThat(running.minus(Inventory.of(scene)))
                    .allSatisfy(gone -> assertThat(gone).contains("advisory lock"));
        }
    }

    /// Another migration has rows in the same control schema.
    @Test
    void anotherMigrationOfTheSameDatabaseKeepsItsRows() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            EndingScene ending = EndingScene.inSync(scene);
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

    @Test
    void anIndexThatWasDroppedForTheBackfillIsCreatedAgain() throws Exception {
        try (MigrationScene scene = new MigrationScene().indexesAfterBackfill()) {
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
