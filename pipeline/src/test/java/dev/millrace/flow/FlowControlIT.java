package dev.millrace.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.control.ControlSchema;
import dev.millrace.control.flow.FlowStore;
import dev.millrace.control.flow.FlowStore.Hold;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import dev.millrace.throttle.Throttle.Limit;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What operators and stop conditions do at the same time, over a real control schema.
@Timeout(300)
class FlowControlIT {

    private static final Hold HOLD = new Hold("waits is 12", Instant.EPOCH);

    private final TestDatabase target = PostgresServer.shared().newDatabase();
    private final Login login = GrantedLogins.target(target);
    private final Database control = login.database("shop");
    private volatile boolean owner = true;
    private volatile String phase = "IN_SYNC";
    private FlowControl flow;

    @BeforeEach
    void resume() throws Exception {
        ControlSchema.migrate(() -> login.session("control"));
        flow =
                new FlowControl(
                        new FlowRules(Backfill.WINDOWS),
                        new FlowStore(control, "shop"),
                        new WriteGate(() -> control.connect("pause"), InstantSource.system()),
                        () -> owner,
                        "service",
                        InstantSource.system());
    }

    @AfterEach
    void closePool() {
        control.close();
    }

    private FlowChange.Outcome change(Action action) {
        return flow.change(
                new FlowChange(action, "", Optional.of("ann"), Optional.empty(), false),
                () -> phase);
    }

    private static StopCondition condition(Consequence then) {
        return new StopCondition(
                "waits",
                new Measure.BuiltIn(Metric.TARGET_LOCK_WAITS),
                1,
                Duration.ofSeconds(1),
                then);
    }

    private boolean hold(Consequence then) {
        return flow.hold(condition(then), HOLD, 0.5, () -> phase);
    }

    /// Another process may have the lock, with a setting of its operator.
    @Test
    void aKillWithoutTheLockIsEffectiveHereAndNotStored() throws Exception {
        change(new Action.Throttle(OptionalLong.of(7)));
        FlowStore.Setting stored = flow.store().read();
        owner = false;

        assertThatThrownBy(() -> change(new Action.Kill()))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("This process has stopped all its writes")
                .hasMessageContaining("not stored");

        assertThat(flow.gate().isClosed()).isTrue();
        assertThat(flow.gate().isSourceClosed()).isTrue();
        assertThat(flow.pace().isPaused()).isTrue();
        assertThat(flow.store().read()).isEqualTo(stored);
        assertThat(target.query("SELECT count(*) FROM millrace.journal WHERE event = 'kill'"))
                .containsExactly(List.of("0"));
        assertThatThrownBy(() -> change(new Action.Pause(Part.BACKFILL)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("does not have the migration's lock");
    }

    @Test
    void noMoveOfTheTrafficBeginsWhileApplyIsPaused() {
        change(new Action.Pause(Part.APPLY));

        assertThatThrownBy(() -> flow.whileApplying(() -> "begun"))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("The traffic cannot be moved: apply is paused by ann");

        change(new Action.Resume(Part.APPLY));
        assertThat(flow.whileApplying(() -> "begun")).isEqualTo("begun");
        assertThat(hold(Consequence.PAUSE)).isTrue();
        assertThatThrownBy(() -> flow.whileApplying(() -> "begun"))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("by stop condition waits");
    }

    /// The phase says only afterwards that the traffic moves.
    @Test
    void noPauseBeginsWhileAMoveOfTheTrafficBegins() throws Exception {
        CompletableFuture<FlowChange.Outcome> pause =
                flow.whileApplying(
                        () -> {
                            assertThat(hold(Consequence.PAUSE)).isFalse();
                            assertThat(hold(Consequence.BLOCK_SWITCHOVER)).isTrue();
                            CompletableFuture<FlowChange.Outcome> asked =
                                    CompletableFuture.supplyAsync(
                                            () -> change(new Action.Pause(Part.APPLY)),
                                            task -> Thread.ofPlatform().start(task));
                            Awaitility.await()
                                    .atMost(Waits.LIMIT)
                                    .during(Duration.ofMillis(200))
                                    .until(() -> !asked.isDone());
                            phase = "SWITCHING_OVER";
                            return asked;
                        });

        assertThat(pause.handle((_, refused) -> refused.getCause()).get(1, TimeUnit.MINUTES))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("while the traffic is moved");
        assertThat(flow.gate().isClosed()).isFalse();
    }

    /// The application's writes would be held until a slow apply has the last changes.
    @Test
    void noMoveOfTheTrafficBeginsWhileApplyIsLimitedOrSlowed() throws Exception {
        change(new Action.Throttle(Part.APPLY, Limit.ofRows(100)));
        assertThat(flow.store().read().applyLimit()).isEqualTo(Limit.ofRows(100));
        assertThat(flow.gate().limit()).isEqualTo(Limit.ofRows(100));
        assertThat(flow.holdsSwitchover())
                .singleElement()
                .asString()
                .contains("apply writes at most 100 rows per second", "throttle apply --off");
        assertThatThrownBy(() -> flow.whileApplying(() -> "begun"))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("at most 100 rows per second");
        assertThat(flow.holdsApply()).isEmpty();

        change(new Action.Throttle(Part.APPLY, Limit.NONE));
        assertThat(hold(Consequence.SLOW)).isTrue();
        FlowReport.Speed speed = Objects.requireNonNull(flow.status().apply().speed());
        assertThat(speed.share()).isEqualTo(0.5);
        assertThat(speed.reason()).isEqualTo("slowed to 50 % by stop condition waits: waits is 12");
        assertThat(flow.holdsSwitchover())
                .singleElement()
                .asString()
                .contains("apply is slowed to 50 % by stop condition waits");
        flow.release("waits");
        assertThat(flow.whileApplying(() -> "begun")).isEqualTo("begun");
    }

    /// The thread that evaluates all conditions holds; a writer needs its time to end.
    @Test
    void aHoldDoesNotWaitForTheTransactionsThatItEnds() throws Exception {
        try (WriteGate.Passage passage = flow.gate().enter()) {
            assertThat(hold(Consequence.PAUSE)).isTrue();

            assertThat(passage.isEnded()).isFalse();
            Awaitility.await().atMost(Waits.LIMIT).until(passage::isEnded);
        }
        flow.release("waits");
        assertThat(flow.gate().isClosed()).isFalse();
    }
}
