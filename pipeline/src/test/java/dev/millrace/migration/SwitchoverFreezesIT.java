package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.control.OperationStore.Superseded;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchStep;
import dev.millrace.switchover.SwitchoverOperation;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Moves of the traffic of a bank that are frozen, cancelled or repeated many times.
@Tag("faults")
class SwitchoverFreezesIT {

    /// Where a controller is frozen, and where the next one ends.
    private record Freeze(SwitchStep step, String moment, State end) {}

    private static Stream<Freeze> freezes() {
        return Stream.of(
                new Freeze(SwitchStep.VERDICT, "perform:after", State.RETURNED),
                new Freeze(SwitchStep.PERMANENT, "perform:before", State.RETURNED),
                new Freeze(SwitchStep.PERMANENT, "perform:after", State.DONE),
                new Freeze(SwitchStep.ROUTE, "perform:before", State.DONE));
    }

    /// The first controller wakes up after the second one has ended its operation, and again moved
    /// the traffic.
    @ParameterizedTest
    @MethodSource("freezes")
    void aFrozenControllerChangesNothingAfterAnotherOne(Freeze freeze) throws Exception {
        try (RoutingHook hook = new RoutingHook();
                BankScene bank = BankScene.withClients(hook);
                ExecutorService thread = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch reached = new CountDownLatch(1);
            CountDownLatch woken = new CountDownLatch(1);
            try (SwitchoverOperation frozen =
                    bank.begin(
                            (step, moment) -> {
                                if (step == freeze.step() && moment.equals(freeze.moment())) {
                                    reached.countDown();
                                    await(woken);
                                }
                            })) {
                UUID id = bank.latest().id();
                Future<State> first = thread.submit(frozen::start);
                await(reached);
                bank.scene.stop();
                bank.scene.start();
                assertThat(bank.awaitEnd(id).state()).isEqualTo(freeze.end());
                int requests = hook.requests();

                woken.countDown();

                if (freeze.step() == SwitchStep.ROUTE) {
                    // Its route may be taken again, to the side where the clients are.
                    assertThatThrownBy(first::get).hasRootCauseInstanceOf(Superseded.class);
                } else {
                    assertThatThrownBy(first::get)
                            .isInstanceOf(ExecutionException.class)
                            .hasCauseInstanceOf(Superseded.class);
                    assertThat(hook.requests()).isEqualTo(requests);
                }
            }
            switch (freeze.end()) {
                case RETURNED -> {
                    bank.assertOnSource();
                    bank.assertNothingLostOnSource();
                }
                case DONE -> bank.assertOnTarget();
                case RUNNING, RETURNING, UNRESOLVED, DRY_RUN -> throw new AssertionError(freeze);
            }
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// vitess#16918, vitess#17127.
    @ParameterizedTest
    @EnumSource(Kind.class)
    void aCancelAtAnyStepLeadsBackUntilThePointOfNoReturn(Kind kind) throws Exception {
        try (BankScene bank = BankScene.withALostClient()) {
            if (kind == Kind.ROLLBACK) {
                assertDone(bank.move(Kind.SWITCHOVER));
            }
            for (SwitchStep step : SwitchStep.of(kind)) {
                boolean inTime = step.compareTo(SwitchStep.PERMANENT) < 0;
                CompletableFuture<SwitchoverOperation> running = new CompletableFuture<>();
                try (SwitchoverOperation operation =
                        bank.begin(
                                kind,
                                (at, moment) -> {
                                    if (at == step && moment.equals("perform:before")) {
                                        assertThat(running.join().cancel()).isEqualTo(inTime);
                                    }
                                })) {
                    running.complete(operation);
                    assertThat(operation.start())
                            .as(step.id())
                            .isEqualTo(inTime ? State.RETURNED : State.DONE);
                }
                if (!inTime) {
                    break;
                }
                if (kind == Kind.SWITCHOVER) {
                    bank.assertOnSource();
                } else {
                    bank.assertWritesOnTarget();
                }
            }
            bank.countMove();
            if (kind == Kind.SWITCHOVER) {
                bank.assertOnTarget();
            } else {
                bank.assertWritesOnSource();
                // The migration has not run this operation itself.
                bank.scene.stop();
                bank.scene.start();
                bank.scene.awaitPhase("IN_SYNC");
                bank.assertNothingLostOnSource();
            }
        }
    }

    /// Ten moves of one migration, without a restart.
    @Test
    void bothSidesAreEqualAfterEachOfTenMoves() throws Exception {
        try (BankScene bank = BankScene.withALostClient()) {
            for (int round = 1; round <= 5; round++) {
                bank.awaitOpenGates(Kind.SWITCHOVER);
                assertDone(bank.move(Kind.SWITCHOVER));
                bank.scene.awaitPhase("REVERSIBLE");
                bank.assertWritesOnTarget();
                bank.awaitOpenGates(Kind.ROLLBACK);
                assertDone(bank.move(Kind.ROLLBACK));
                bank.scene.awaitPhase("IN_SYNC");
                bank.assertOnSource();
                // The verdict of a rollback covers the touched keys; this one every row.
                bank.assertEqual();
            }
            bank.assertNothingLostOnSource();
        }
    }

    private static void assertDone(Operation operation) {
        assertThat(operation.state()).as(operation.toString()).isEqualTo(State.DONE);
        System.out.printf(
                "%s: pause %d ms; steps in ms: %s%n",
                operation.kind().id(), operation.pauseMs(), BankScene.timings(operation));
    }
}
