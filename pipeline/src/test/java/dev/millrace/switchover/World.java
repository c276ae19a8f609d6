package dev.millrace.switchover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.StepAction.StepOutcome;
import dev.millrace.switchover.StreamProgress.Attempt;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// Two sides and the routes between them, as far as the order of steps matters. Every change checks
/// that the application can never write to both sides.
final class World implements SwitchoverRun.ClosingLease {

    enum Lease {
        OPEN,
        CLOSED,
        PERMANENT
    }

    Lease lease = Lease.OPEN;
    boolean targetOpen;
    boolean held;
    boolean armed;
    private final Kind kind;
    String routedTo = "source";
    final List<String> effects = new ArrayList<>();

    /// What the steps return instead of their effect; consumed by the call.
    final Map<SwitchStep, List<Function<Attempt, StepOutcome>>> answers =
            new EnumMap<>(SwitchStep.class);

    /// How many calls the source does not answer.
    int unreachable;

    /// What happens on the source while it does not answer.
    Runnable late = () -> {};

    /// The world before a move. The sides have the names that a switchover gives them.
    World(Kind kind) {
        this.kind = kind;
        this.armed = kind == Kind.ROLLBACK;
    }

    Map<SwitchStep, StepAction> actions() {
        Map<SwitchStep, StepAction> actions = new EnumMap<>(SwitchStep.class);
        for (SwitchStep step : SwitchStep.values()) {
            actions.put(
                    step,
                    new StepAction() {
                        @Override
                        public StepOutcome perform(Attempt attempt) {
                            List<Function<Attempt, StepOutcome>> prepared =
                                    answers.getOrDefault(step, new ArrayList<>());
                            if (!prepared.isEmpty()) {
                                return prepared.removeFirst().apply(attempt);
                            }
                            effect(step);
                            return new StepOutcome.Done("");
                        }

                        @Override
                        public void undo(Attempt attempt) {
                            revert(step);
                        }
                    });
        }
        return actions;
    }

    void effect(SwitchStep step) {
        effects.add(step.id());
        switch (step) {
            case ARM -> armed = true;
            case HOLD -> held = true;
            case FENCE -> lease = lease == Lease.PERMANENT ? lease : Lease.CLOSED;
            case PERMANENT -> lease = lease == Lease.OPEN ? lease : Lease.PERMANENT;
            case OPEN -> targetOpen = true;
            case ROUTE -> routedTo = "target";
            case RELEASE -> held = false;
            case DISARM -> armed = false;
            case PROVE, WATERMARK, APPLIED, VERDICT, SEQUENCES -> {}
        }
        check();
    }

    private void revert(SwitchStep step) {
        effects.add("undo " + step.id());
        switch (step) {
            case ARM -> armed = kind == Kind.ROLLBACK;
            case HOLD -> held = false;
            case FENCE, PROVE, WATERMARK, APPLIED, VERDICT, SEQUENCES, PERMANENT -> {}
            case OPEN, ROUTE, RELEASE, DISARM -> throw new AssertionError(step + " was undone");
        }
        check();
    }

    private void check() {
        assertThat(lease != Lease.PERMANENT && targetOpen)
                .as("both sides may be written after %s", effects)
                .isFalse();
        assertThat(routedTo.equals("target") && !targetOpen)
                .as("routed to a closed target after %s", effects)
                .isFalse();
    }

    @Override
    public boolean isPermanent() {
        answer();
        return lease == Lease.PERMANENT;
    }

    @Override
    public boolean lift() {
        answer();
        effects.add("lift");
        if (lease == Lease.PERMANENT) {
            return false;
        }
        lease = Lease.OPEN;
        return true;
    }

    private void answer() {
        if (unreachable > 0) {
            unreachable--;
            if (unreachable == 0) {
                late.run();
            }
            throw new IllegalStateException("the source does not answer");
        }
    }

    void assertOnSource() {
        assertThat(lease).isEqualTo(Lease.OPEN);
        assertThat(targetOpen).isFalse();
        assertThat(held).isFalse();
        assertThat(armed).isEqualTo(kind == Kind.ROLLBACK);
        assertThat(routedTo).isEqualTo("source");
    }

    void assertOnTarget() {
        assertThat(lease).isEqualTo(Lease.PERMANENT);
        assertThat(targetOpen).isTrue();
        assertThat(held).isFalse();
        assertThat(armed).isEqualTo(kind == Kind.SWITCHOVER);
        assertThat(routedTo).isEqualTo("target");
    }
}
