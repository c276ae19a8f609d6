package dev.millrace.switchover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.control.ControlSchema;
import dev.millrace.control.OperationStore;
import dev.millrace.control.OperationStore.Beginning;
import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.control.OperationStore.StoredStep;
import dev.millrace.control.OperationStore.Superseded;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.StepAction.StepOutcome;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The order of the steps over a model of both sides, with the real journal. A killed process is an
/// [Error] at a moment around a step's effect; the next process has only the journal.
class SwitchoverRunIT {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private static final TestDatabase TARGET = PostgresServer.shared().newDatabase();
    private static final Login LOGIN = GrantedLogins.target(TARGET);
    private static final Database CONTROL = LOGIN.database("m");

    private final String migration = "m" + UUID.randomUUID().toString().substring(0, 8);
    private Kind kind = Kind.SWITCHOVER;
    private World world = new World(kind);
    private final AtomicReference<Instant> now =
            new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));

    private static final class Killed extends Error {
        private static final long serialVersionUID = 1L;
    }

    /// @param moment as in [SwitchStep.Trace]
    private record Kill(Kind kind, SwitchStep step, String moment) {}

    @BeforeAll
    static void createSchema() throws Exception {
        assertThat(ControlSchema.migrate(() -> LOGIN.session("control")))
                .isInstanceOf(ControlSchema.Outcome.Ready.class);
    }

    @AfterAll
    static void close() {
        CONTROL.close();
    }

    @Test
    void performsTheStepsInOrderAndJournalsEach() throws Exception {
        assertThat(begin(SwitchStep.Trace.NONE).start()).isEqualTo(State.DONE);

        world.assertOnTarget();
        assertThat(world.effects)
                .isEqualTo(SwitchStep.of(Kind.SWITCHOVER).stream().map(SwitchStep::id).toList());
        StoredOperation stored = store().latest().orElseThrow();
        assertThat(stored.state()).isEqualTo("done");
        assertThat(stored.pauseMs()).hasValue(0);
        assertThat(stored.steps()).extracting(StoredStep::state).containsOnly("done");
        assertThat(stored.steps()).extracting(StoredStep::name).isEqualTo(world.effects);
        assertThat(
                        TARGET.value(
                                "SELECT count(*) FROM millrace.journal WHERE who = 'tester' AND migration = '"
                                        + migration
                                        + "' AND detail ->> 'state' = 'started'"))
                .isEqualTo("12");
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void thePauseEndsWhenTheClientsAreReleased(Kind moved) throws Exception {
        kind = moved;
        world = new World(moved);
        begin(
                        (step, moment) -> {
                            if (moment.equals("perform:before")) {
                                now.updateAndGet(at -> at.plusMillis(100));
                            }
                        })
                .start();

        long pausedSteps = SwitchStep.RELEASE.ordinal() - SwitchStep.HOLD.ordinal() + 1;
        assertThat(store().latest().orElseThrow().pauseMs()).hasValue(100 * pausedSteps);
    }

    @Test
    void journalsAStepBeforeItsEffect() throws Exception {
        List<String> unjournaled = new ArrayList<>();
        begin(
                        (step, moment) -> {
                            if (moment.equals("perform:before") && !journaled(step)) {
                                unjournaled.add(step.id());
                            }
                        })
                .start();

        assertThat(unjournaled).isEmpty();
    }

    @Test
    void theProgressInMemoryIsThatOfTheJournal() throws Exception {
        CompletableFuture<SwitchoverRun> running = new CompletableFuture<>();
        List<String> elsewhere = new ArrayList<>();
        running.complete(
                begin(
                        (step, _) -> {
                            OperationProgress.Snapshot now = running.join().progress().latest();
                            if (!now.step().equals(Optional.of(step.id()))) {
                                elsewhere.add(step.id() + " " + now);
                            }
                        }));
        answer(SwitchStep.ROUTE, new StepOutcome.Unknown("Does the load balancer point to B?"));

        assertThat(running.join().start()).isEqualTo(State.UNRESOLVED);

        assertThat(elsewhere).isEmpty();
        assertThat(running.join().progress().latest())
                .isEqualTo(OperationProgress.of(store().unfinished().orElseThrow()).latest());

        assertThat(running.join().resolve(true)).isEqualTo(State.DONE);

        OperationProgress.Snapshot end = running.join().progress().latest();
        StoredOperation stored = store().latest().orElseThrow();
        assertThat(end.state()).isEqualTo(State.DONE);
        assertThat(end.outcome()).isEqualTo(stored.outcome());
        assertThat(end.pauseMs()).isEqualTo(stored.pauseMs());
        assertThat(end.step()).contains("release");
        assertThat(end.finishedAt()).contains(now.get());
    }

    @Test
    void theProgressSaysWhyTheOperationReturns() throws Exception {
        CompletableFuture<SwitchoverRun> running = new CompletableFuture<>();
        List<String> seen = new ArrayList<>();
        running.complete(
                begin(
                        (step, moment) -> {
                            if (moment.equals("undo:before")) {
                                OperationProgress.Snapshot now = running.join().progress().latest();
                                seen.add(
                                        "%s %s %s"
                                                .formatted(
                                                        now.state().id(),
                                                        step.id(),
                                                        now.outcome().orElse("")));
                            }
                        }));
        answer(SwitchStep.HOLD, new StepOutcome.Failed("The pool is full."));

        assertThat(running.join().start()).isEqualTo(State.RETURNED);

        assertThat(seen)
                .containsExactly(
                        "returning hold The pool is full.", "returning arm The pool is full.");
        assertThat(running.join().progress().latest().finishedAt()).isPresent();
    }

    private boolean journaled(SwitchStep step) {
        try {
            return store().latest().orElseThrow().steps().stream()
                    .anyMatch(
                            stored ->
                                    stored.name().equals(step.id())
                                            && stored.state().equals("started"));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static List<SwitchStep> steps() {
        return SwitchStep.of(Kind.SWITCHOVER);
    }

    private void use(Kind other) {
        kind = other;
        world = new World(other);
    }

    private static Stream<Kill> kills() {
        return Stream.of(Kind.values())
                .flatMap(
                        kind ->
                                SwitchStep.of(kind).stream()
                                        .flatMap(
                                                step ->
                                                        Stream.of("perform:before", "perform:after")
                                                                .map(
                                                                        moment ->
                                                                                new Kill(
                                                                                        kind, step,
                                                                                        moment))));
    }

    @ParameterizedTest
    @MethodSource("kills")
    void endsOnOneSideAfterAKill(Kill kill) throws Exception {
        use(kill.kind());
        SwitchoverRun killed = begin(killAt(kill));
        assertThatThrownBy(killed::start).isInstanceOf(Killed.class);

        State end = again(SwitchStep.Trace.NONE).resume();

        boolean passed =
                kill.step().isAfterPermanent()
                        || kill.equals(
                                new Kill(kill.kind(), SwitchStep.PERMANENT, "perform:after"));
        assertEnd(end, passed ? State.DONE : State.RETURNED);
        assertThat(store().unfinished()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("kills")
    void endsOnOneSideAfterAKillWhileItContinues(Kill first) throws Exception {
        use(first.kind());
        SwitchoverRun killed = begin(killAt(first));
        assertThatThrownBy(killed::start).isInstanceOf(Killed.class);
        // Every later moment, one process each.
        for (int moment = 1; ; moment++) {
            AtomicInteger left = new AtomicInteger(moment);
            SwitchoverRun next =
                    again(
                            (_, _) -> {
                                if (left.decrementAndGet() == 0) {
                                    throw new Killed();
                                }
                            });
            try {
                State end = next.resume();
                assertThat(end).isIn(State.DONE, State.RETURNED);
                assertEnd(end, end);
                return;
            } catch (Killed _) {
                assertThat(store().unfinished()).isPresent();
            }
        }
    }

    private void assertEnd(State end, State expected) {
        assertThat(end).isEqualTo(expected);
        if (expected == State.DONE) {
            world.assertOnTarget();
        } else {
            world.assertOnSource();
        }
    }

    @ParameterizedTest
    @MethodSource("steps")
    void goesBackWhenAStepFailsBeforeTheLeaseIsPermanent(SwitchStep step) throws Exception {
        answer(step, new StepOutcome.Failed("It is broken."));

        State end = begin(SwitchStep.Trace.NONE).start();

        if (step.isAfterPermanent()) {
            // Tried again.
            assertEnd(end, State.DONE);
        } else {
            assertEnd(end, State.RETURNED);
            assertThat(store().latest().orElseThrow().outcome())
                    .hasValue("It is broken. The application writes to the source.");
            assertThat(store().latest().orElseThrow().steps())
                    .extracting(StoredStep::state)
                    .containsOnly("undone");
        }
    }

    @ParameterizedTest
    @MethodSource("steps")
    void cancelsAtEachStepBeforeTheLeaseIsPermanent(SwitchStep step) throws Exception {
        CompletableFuture<SwitchoverRun> run = new CompletableFuture<>();
        AtomicReference<Boolean> accepted = new AtomicReference<>();
        run.complete(
                begin(
                        (at, moment) -> {
                            if (at == step && moment.equals("perform:before")) {
                                accepted.set(run.join().cancel());
                            }
                        }));

        State end = run.join().start();

        boolean tooLate = step == SwitchStep.PERMANENT || step.isAfterPermanent();
        assertThat(accepted.get()).isEqualTo(!tooLate);
        assertEnd(end, tooLate ? State.DONE : State.RETURNED);
    }

    @ParameterizedTest
    @MethodSource("steps")
    void goesBackAfterTheTimeout(SwitchStep step) throws Exception {
        State end =
                begin(
                                (at, moment) -> {
                                    if (at == step && moment.equals("perform:after")) {
                                        now.updateAndGet(at0 -> at0.plus(TIMEOUT));
                                    }
                                })
                        .start();

        boolean inTime =
                step == SwitchStep.ARM || step == SwitchStep.PERMANENT || step.isAfterPermanent();
        assertEnd(end, inTime ? State.DONE : State.RETURNED);
    }

    @Test
    void neverGuessesWhetherTheLeaseIsPermanent() throws Exception {
        // The answer is lost, but the lease is permanent.
        answer(
                SwitchStep.PERMANENT,
                () -> {
                    world.effect(SwitchStep.PERMANENT);
                    world.unreachable = 3;
                    throw new IllegalStateException("connection lost");
                });

        assertEnd(begin(SwitchStep.Trace.NONE).start(), State.DONE);
    }

    @Test
    void goesBackWhenTheLeaseExpiredBeforeItWasPermanent() throws Exception {
        answer(
                SwitchStep.PERMANENT,
                () -> {
                    world.lease = World.Lease.OPEN;
                    return new StepOutcome.Done("");
                });

        assertEnd(begin(SwitchStep.Trace.NONE).start(), State.RETURNED);
    }

    @Test
    void continuesWhenTheLeaseTurnsOutToBePermanentWhileGoingBack() throws Exception {
        SwitchoverRun killed =
                begin(killAt(new Kill(kind, SwitchStep.PERMANENT, "perform:before")));
        assertThatThrownBy(killed::start).isInstanceOf(Killed.class);
        // The statement of the killed process arrives late.
        world.effect(SwitchStep.PERMANENT);

        assertEnd(again(SwitchStep.Trace.NONE).resume(), State.DONE);
    }

    @Test
    void releasesTheClientsWhenTheSourceDoesNotAnswerUntilTheLeaseExpires() throws Exception {
        answer(
                SwitchStep.PROVE,
                () -> {
                    world.unreachable = 5;
                    now.updateAndGet(at -> at.plus(TIMEOUT).plusSeconds(1));
                    return new StepOutcome.Failed("The source does not answer.");
                });

        assertEnd(begin(SwitchStep.Trace.NONE).start(), State.RETURNED);
        assertThat(world.effects.indexOf("undo hold")).isLessThan(world.effects.indexOf("lift"));
    }

    /// The application notices neither the steps before [SwitchStep#HOLD] nor those after
    /// [SwitchStep#RELEASE].
    @ParameterizedTest
    @EnumSource(names = {"DISARM", "ARM", "VERDICT"})
    void thePauseEndsWhenTheApplicationCanWriteAgain(SwitchStep slow) throws Exception {
        use(Kind.ROLLBACK);
        if (slow != SwitchStep.DISARM) {
            answer(SwitchStep.PERMANENT, new StepOutcome.Failed("It is broken."));
        }
        String moment = slow == SwitchStep.ARM ? "undo:before" : "perform:before";

        begin(
                        (step, at) -> {
                            if (step == slow && at.equals(moment)) {
                                now.updateAndGet(time -> time.plusSeconds(7));
                            }
                        })
                .start();

        assertThat(store().latest().orElseThrow().pauseMs())
                .hasValue(slow == SwitchStep.VERDICT ? 7_000 : 0);
    }

    /// A lease expires, but a permanent one does not.
    @Test
    void waitsForTheSourceWithoutEndIfTheLeaseMayBePermanent() throws Exception {
        SwitchoverRun killed =
                begin(killAt(new Kill(kind, SwitchStep.PERMANENT, "perform:before")));
        assertThatThrownBy(killed::start).isInstanceOf(Killed.class);
        // The next process reads from the journal when the pause began, by the server's clock.
        now.set(Instant.now().plus(TIMEOUT).plusSeconds(1));
        world.unreachable = 3;
        world.late = () -> world.effect(SwitchStep.PERMANENT);

        assertEnd(again(SwitchStep.Trace.NONE).resume(), State.DONE);
    }

    @Test
    void undoesNoStepAgainAfterAKillWhileItReturns() throws Exception {
        answer(SwitchStep.PROVE, new StepOutcome.Failed("It is broken."));
        SwitchoverRun killed =
                begin(
                        (step, moment) -> {
                            if (step == SwitchStep.ARM && moment.equals("undo:before")) {
                                throw new Killed();
                            }
                        });
        assertThatThrownBy(killed::start).isInstanceOf(Killed.class);
        int before = world.effects.size();

        assertEnd(again(SwitchStep.Trace.NONE).resume(), State.RETURNED);

        assertThat(world.effects.subList(before, world.effects.size())).containsExactly("undo arm");
    }

    @Test
    void leavesAnUnknownRoutingToAPerson() throws Exception {
        answer(SwitchStep.ROUTE, new StepOutcome.Unknown("Does the load balancer point to B?"));

        assertThat(begin(SwitchStep.Trace.NONE).start()).isEqualTo(State.UNRESOLVED);
        assertThat(again(SwitchStep.Trace.NONE).resume()).isEqualTo(State.UNRESOLVED);
        assertThat(world.routedTo).isEqualTo("source");
        assertThat(store().latest().orElseThrow().outcome())
                .hasValue("Does the load balancer point to B?");

        assertEnd(again(SwitchStep.Trace.NONE).resolve(false), State.DONE);
    }

    @Test
    void doesNotRouteAgainWhatAPersonSawRouted() throws Exception {
        answer(
                SwitchStep.ROUTE,
                () -> {
                    world.effect(SwitchStep.ROUTE);
                    return new StepOutcome.Unknown("Did it?");
                });
        begin(SwitchStep.Trace.NONE).start();
        int routed = world.effects.size();

        assertEnd(again(SwitchStep.Trace.NONE).resolve(true), State.DONE);
        assertThat(world.effects.subList(routed, world.effects.size())).containsExactly("release");
    }

    @Test
    void leavesARoutingThatFailsAgainAndAgainToAPerson() throws Exception {
        for (int i = 0; i < 3; i++) {
            answer(SwitchStep.ROUTE, new StepOutcome.Failed("HTTP 503."));
        }

        assertThat(begin(SwitchStep.Trace.NONE).start()).isEqualTo(State.UNRESOLVED);
    }

    @Test
    void goesBackWhenTheJournalIsLost() throws Exception {
        answer(
                SwitchStep.WATERMARK,
                () -> {
                    TARGET.execute("ALTER TABLE millrace.operation_step RENAME TO lost");
                    return new StepOutcome.Done("");
                });
        try {
            assertEnd(begin(SwitchStep.Trace.NONE).start(), State.RETURNED);
        } finally {
            TARGET.execute("ALTER TABLE millrace.lost RENAME TO operation_step");
        }
    }

    @Test
    void makesNoStepAfterAnotherProcessTookOver() throws Exception {
        SwitchoverRun frozen =
                begin(
                        (step, moment) -> {
                            if (step == SwitchStep.FENCE && moment.equals("perform:after")) {
                                takeOver();
                            }
                        });

        assertThatThrownBy(frozen::start).isInstanceOf(Superseded.class);
        assertThat(world.effects).containsExactly("arm", "hold", "fence");

        assertEnd(again(SwitchStep.Trace.NONE).resume(), State.RETURNED);
    }

    @Test
    void allowsOneUnfinishedOperation() throws Exception {
        begin(SwitchStep.Trace.NONE);

        assertThatThrownBy(() -> begin(SwitchStep.Trace.NONE))
                .hasMessageContaining("operation_migration_idx");
    }

    private long epoch = 1;

    private void takeOver() {
        epoch++;
        TARGET.execute(
                "INSERT INTO millrace.owner (migration, epoch, who) VALUES ('"
                        + migration
                        + "', "
                        + epoch
                        + ", 'tester') ON CONFLICT (migration) DO UPDATE SET epoch = excluded.epoch");
    }

    private OperationStore store() {
        return new OperationStore(CONTROL, migration, epoch);
    }

    private SwitchoverRun begin(SwitchStep.Trace trace) throws Exception {
        takeOver();
        OperationStore store = store();
        store.begin(
                new Beginning(
                        UUID.randomUUID(),
                        kind.id(),
                        State.RUNNING.id(),
                        "tester",
                        "",
                        Optional.empty(),
                        "[]"),
                "IN_SYNC");
        return run(trace, store);
    }

    private SwitchoverRun again(SwitchStep.Trace trace) throws Exception {
        takeOver();
        return run(trace, store());
    }

    private SwitchoverRun run(SwitchStep.Trace trace, OperationStore store) throws Exception {
        InstantSource clock = now::get;
        return new SwitchoverRun(
                new SwitchoverRun.Settings(kind, world.actions(), world, TIMEOUT, clock, trace),
                new OperationJournal(store, store.unfinished().orElseThrow(), Duration.ofDays(14)));
    }

    private SwitchStep.Trace killAt(Kill kill) {
        return (step, moment) -> {
            if (step == kill.step() && moment.equals(kill.moment())) {
                throw new Killed();
            }
        };
    }

    private void answer(SwitchStep step, StepOutcome outcome) {
        answer(step, () -> outcome);
    }

    private interface Answer {
        StepOutcome give();
    }

    private void answer(SwitchStep step, Answer answer) {
        world.answers.computeIfAbsent(step, _ -> new ArrayList<>()).add(_ -> answer.give());
    }
}
