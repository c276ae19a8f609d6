package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.control.OperationStore.StoredStep;
import dev.millrace.migration.BankScene.Kill;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchStep;
import dev.millrace.switchover.SwitchoverOperation;
import java.sql.Connection;
import java.sql.DriverManager;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Switches a bank over between real servers while its clients write. Every test but the last one
/// ends on the source, so all use one bank. All kills are in [SwitchoverKillsIT].
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SwitchoverIT {

    private BankScene bank;

    @BeforeAll
    void openBank() throws Exception {
        bank = BankScene.withALostClient();
    }

    @AfterAll
    void closeBank() {
        bank.close();
    }

    private State start() throws Exception {
        try (SwitchoverOperation operation = bank.begin(SwitchStep.Trace.NONE)) {
            return operation.start();
        }
    }

    /// vitess#17326: a half-done switch left the tables unavailable.
    @ParameterizedTest
    @EnumSource(names = {"FENCE", "PERMANENT"})
    @Order(1)
    void returnsToTheSourceAfterAKill(SwitchStep step) throws Exception {
        bank.kill(
                new Kill(step, step == SwitchStep.PERMANENT ? "perform:before" : "perform:after"));

        assertThat(bank.resume()).isEqualTo(State.RETURNED);
        bank.assertOnSource();
    }

    /// vitess#16563, vitess#9400, and a snapshot from before the fence.
    @Test
    @Order(2)
    void returnsWhenAnOlderTransactionCanStillWrite() throws Exception {
        try (Connection old =
                DriverManager.getConnection(bank.scene.source.url(), bank.role, "pw")) {
            old.setAutoCommit(false);
            old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            old.createStatement().executeQuery("SELECT count(*) FROM account");

            assertThat(start()).isEqualTo(State.RETURNED);

            assertThat(bank.latest().outcome().orElseThrow())
                    .contains("Older transactions can still write to the source")
                    .contains(bank.role);
            // It could, indeed.
            old.createStatement().execute("INSERT INTO account VALUES (1000, 0)");
            old.commit();
        }
        bank.assertWritesOnSource();
    }

    @Test
    @Order(3)
    void returnsWhenTheTargetWasChangedByAStranger() throws Exception {
        Awaitility.await()
                .until(
                        () ->
                                !bank.scene
                                        .target
                                        .query("SELECT FROM account WHERE id = 1000")
                                        .isEmpty());
        bank.scene.writeTargetAsMigration(
                "UPDATE account SET balance = balance + 1 WHERE id = 1000");

        assertThat(start()).isEqualTo(State.RETURNED);

        assertThat(bank.latest().outcome().orElseThrow())
                .contains("table public.account is different");
        bank.assertOnSource();
        bank.scene.writeTargetAsMigration("UPDATE account SET balance = 0 WHERE id = 1000");
    }

    /// vitess#16794: the switch was made although nothing could come back.
    @Test
    @Order(4)
    void returnsBeforeAnyClientIsRefusedWhenTheWayBackCannotBegin() throws Exception {
        bank.scene.target.execute(
                "CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN RAISE 'No publication here.'; END $$",
                "CREATE EVENT TRIGGER forbid ON ddl_command_start WHEN TAG IN"
                        + " ('CREATE PUBLICATION') EXECUTE FUNCTION forbid()");
        try {
            assertThat(start()).isEqualTo(State.RETURNED);
        } finally {
            bank.scene.target.execute("DROP EVENT TRIGGER forbid", "DROP FUNCTION forbid");
        }

        assertThat(bank.latest().steps()).extracting(StoredStep::name).containsExactly("arm");
        bank.assertOnSource();
    }

    /// vitess#17326: a half-done switch left the tables unavailable.
    @Test
    @Order(5)
    void movesTheWritesWithoutALostTransferAlsoAfterAKillPastTheReturn() throws Exception {
        bank.kill(new Kill(SwitchStep.PERMANENT, "perform:after"));

        State end = bank.resume();

        StoredOperation stored = bank.latest();
        assertThat(end).as(stored.toString()).isEqualTo(State.DONE);
        System.out.printf(
                "switchover: pause %d ms with a restart, %d attempts refused%n",
                stored.pauseMs().orElseThrow(), bank.traffic.refused());
        bank.assertOnTarget();
    }
}
