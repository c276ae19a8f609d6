package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.postgres.Identifier;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.testing.Waits;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Moves the traffic of a bank to the target and back between real servers while its clients write.
class RollbackIT {

    @Test
    void movesThereAndBackAndThereAgainWithoutALostTransfer() throws Exception {
        try (BankScene bank = BankScene.withALostClient()) {
            UUID moving = bank.beginMove(Kind.SWITCHOVER);
            // The phase follows a moment later.
            assertRebackfillIsRefused(bank.scene);
            assertDone(bank.awaitEnd(moving));
            bank.scene.awaitPhase("REVERSIBLE");
            bank.traffic.awaitProgress("target");
            assertThat(
                            bank.scene.source.query(
                                    "SELECT target FROM millrace.target_table WHERE table_oid IS"
                                            + " DISTINCT FROM to_regclass(target)::oid"))
                    .as("tables of the way back that could not continue after a stop")
                    .isEmpty();
            assertRebackfillIsRefused(bank.scene);

            assertDone(bank.move(Kind.ROLLBACK));
            bank.scene.awaitPhase("IN_SYNC");
            bank.assertOnSource();

            bank.assertEqual();
            assertDone(bank.move(Kind.SWITCHOVER));
            bank.traffic.awaitProgress("target");
            bank.scene.stop();
            bank.traffic.awaitProgress("target");
            bank.scene.start();
            bank.scene.awaitPhase("REVERSIBLE");
            bank.awaitOpenGates(Kind.ROLLBACK);
            awaitBlockers(bank.scene, List.of());
            bank.scene.writeSourceAsMigration("INSERT INTO account VALUES (2000, 0)");
            assertBreachIsAppliedAndShown(bank.scene);

            assertDone(bank.move(Kind.ROLLBACK));
            bank.scene.awaitPhase("IN_SYNC");
            bank.assertOnSource();
            bank.assertNothingLostOnSource();
        }
    }

    /// The loss is read again after the rollback, because the application writes to the target now.
    @Test
    void aLossOfTheSourceDoesNotForbidTheRollback() throws Exception {
        try (BankScene bank =
                BankScene.routedBy(BankScene::flag, scene -> scene.backfill(Backfill.WINDOWS))) {
            bank.switchOver();
            bank.awaitOpenGates(Kind.ROLLBACK);
            assertASequenceClosesItsGate(bank);
            bank.scene.source.execute(
                    "BEGIN",
                    "ALTER TABLE ledger RENAME TO elsewhere",
                    "ALTER TABLE elsewhere RENAME TO ledger",
                    "COMMIT");
            awaitBlockers(bank.scene, List.of("table public.ledger are to be read again"));

            assertThat(gate(bank.scene, "phase").value()).isEqualTo("REVERSIBLE");
            assertDone(bank.move(Kind.ROLLBACK));

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    "0"
                                            .equals(
                                                    bank.scene.target.value(
                                                            "SELECT count(*) FROM"
                                                                    + " millrace.lost_changes")));
            bank.scene.awaitPhase("IN_SYNC");
            bank.assertEqual();
        }
    }

    /// It supplies a column, but the login has no right on it.
    private static void assertASequenceClosesItsGate(BankScene bank) {
        MigrationScene scene = bank.scene;
        scene.source.execute(
                "CREATE SEQUENCE other",
                "ALTER TABLE account ALTER balance SET DEFAULT nextval('other')",
                "GRANT USAGE ON SEQUENCE other TO " + bank.role);
        String login = Identifier.quote(scene.sourceLogin());

        assertThat(gate(scene, "sequences").reason())
                .startsWith("sequence public.other of the source: cannot be read and set")
                .endsWith(
                        "GRANT SELECT, UPDATE ON SEQUENCE \"public\".\"other\" TO " + login + ";");

        scene.source.execute("GRANT SELECT, UPDATE ON SEQUENCE other TO " + login);
        assertThat(gate(scene, "sequences").ok()).isTrue();
    }

    private static Gate gate(MigrationScene scene, String name) {
        return new Moves(scene)
                        .ask(Kind.ROLLBACK, SwitchoverRequest.Action.DRY_RUN, Optional.empty())
                        .gates()
                        .stream()
                        .filter(gate -> gate.name().equals(name))
                        .findFirst()
                        .orElseThrow();
    }

    /// The phase follows the traffic a moment later.
    @Test
    void aRebackfillIsRefusedFromTheBeginningOfAMove() throws Exception {
        try (BankScene bank =
                BankScene.routedBy(BankScene::flag, scene -> scene.backfill(Backfill.WINDOWS))) {
            bank.assertEqual();
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> isRefusedBeforeThePhaseFollows(bank));
        }
    }

    /// @return false if the phase had followed already
    private static boolean isRefusedBeforeThePhaseFollows(BankScene bank) {
        bank.scene.awaitPhase("IN_SYNC");
        bank.awaitOpenGates(Kind.SWITCHOVER);
        UUID moving = bank.beginMove(Kind.SWITCHOVER);
        assertRebackfillIsRefused(bank.scene);
        boolean isEarly = bank.scene.running().status().phase().equals("IN_SYNC");
        assertDone(bank.awaitEnd(moving));
        bank.scene.awaitPhase("REVERSIBLE");
        if (!isEarly) {
            bank.awaitOpenGates(Kind.ROLLBACK);
            assertDone(bank.move(Kind.ROLLBACK));
        }
        return isEarly;
    }

    private static void assertRebackfillIsRefused(MigrationScene scene) {
        assertThatThrownBy(
                        () ->
                                scene.running()
                                        .rebackfill(
                                                new Rebackfill.Request(
                                                        Optional.empty(),
                                                        "",
                                                        Optional.empty(),
                                                        Optional.empty(),
                                                        Optional.empty(),
                                                        false)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("only while the application writes to the source");
        assertThat(scene.target.value("SELECT count(*) FROM millrace.rebackfill")).isEqualTo("0");
    }

    /// A write past the fence is not lost, and the operator sees it.
    private static void assertBreachIsAppliedAndShown(MigrationScene scene) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> !scene.target.query("SELECT FROM account WHERE id = 2000").isEmpty());
        awaitBlockers(scene, List.of("public.account of the fenced source"));
    }

    private static void awaitBlockers(MigrationScene scene, List<String> parts) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () -> {
                            List<String> blockers = scene.running().status().blockers();
                            assertThat(blockers).hasSameSizeAs(parts);
                            parts.forEach(
                                    part -> assertThat(String.join(" ", blockers)).contains(part));
                        });
    }

    private static void assertDone(Operation operation) {
        assertThat(operation.state()).as(operation.toString()).isEqualTo(State.DONE);
        System.out.printf(
                "%s: pause %d ms; steps in ms: %s%n",
                operation.kind().id(), operation.pauseMs(), BankScene.timings(operation));
    }
}
