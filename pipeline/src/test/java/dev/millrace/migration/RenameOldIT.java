package dev.millrace.migration;

import static dev.millrace.migration.EndingScene.RENAMED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.ending.Ending;
import dev.millrace.ending.EndingStep;
import dev.millrace.ending.MigrationLife;
import dev.millrace.replication.RefusedException;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/// Renames the old tables at the end of a migration, between real servers. The first test changes
/// nothing, so both use one bank.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RenameOldIT {

    private final CountDownLatch dead = new CountDownLatch(1);
    private BankScene bank;
    private EndingScene ending;
    private Inventory running;
    private MigrationLife life;

    @BeforeAll
    void start() throws Exception {
        bank = BankScene.switched();
        bank.scene.source.execute("CREATE TABLE account_old (id int)");
        ending = new EndingScene(bank.scene, bank.untouched);
        ending.allowRenames();
        running = Inventory.ofRunning(bank.scene);
        life =
                ending.running(
                        (step, moment) -> {
                            if (step == EndingStep.RENAME && moment.equals("after")) {
                                dead.countDown();
                                throw new BankScene.Killed();
                            }
                        });
    }

    @AfterAll
    void stop() {
        life.close();
        bank.close();
    }

    @Test
    @Order(1)
    void aTakenNameRefusesTheRenameBeforeAnythingChanges() throws Exception {
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

    /// A kill between the rename and its entry in the archive must not rename twice.
    @Test
    @Order(2)
    void theOldTablesAreRenamedAtLast() throws Exception {
        bank.scene.source.execute("DROP TABLE account_old");
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
        assertThat(ending.tables()).doesNotContainAnyElementsOf(RENAMED);

        life.end(EndingScene.renaming("_old", false, EndingScene.USED));
        assertThat(dead.await(60, TimeUnit.SECONDS)).isTrue();
        life.close();

        assertThat(ending.tables()).isEqualTo(RENAMED);
        assertThat(ending.archive().path("renames").toString())
                .contains("account_old", "ledger_old");
        assertThat(ending.archive().path("evidence").path("source").path("sourceUse")).hasSize(1);
        UUID id = UUID.fromString(ending.archive().path("id").asString());
        try (MigrationLife next = ending.next(EndingStep.Trace.NONE)) {
            Ending end = EndingScene.awaitEnd(next, id);
            assertThat(end.steps().getLast().note())
                    .startsWith("Renamed: public.account to account_old")
                    .doesNotContain("by others");
        }
        assertThat(ending.tables()).isEqualTo(RENAMED);
    }
}
