package dev.millrace.flow;

import dev.millrace.control.flow.FlowStore.Hold;
import dev.millrace.flow.StopConditions.Actions;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.lifecycle.Incident;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Does what stop conditions do besides holding the flow. Each is due from the time when its
/// condition begins until it is done, or until the condition ends; it is done only while the value
/// is known to be above the limit. A rollback that is refused is asked for again, because gates
/// whose value is unknown after a start open by themselves. Thread-safe.
final class DueExits implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DueExits.class);

    private static final Duration INTERVAL = Duration.ofMillis(200);

    /// How soon a refused rollback is asked for again: the gates are read from both servers.
    private static final Duration AGAIN = Duration.ofSeconds(3);

    /// Learns why a rollback was refused.
    interface Refusals {

        /// @param isFirst since the condition began
        void refused(String condition, Hold told, boolean isFirst);
    }

    private record Due(StopCondition condition, Hold hold, Instant notBefore, boolean refused) {}

    private final Actions actions;
    private final Predicate<StopCondition> isAbove;
    private final Supplier<String> phase;
    private final Refusals refusals;
    private final InstantSource clock;
    private final Map<String, Due> due = new ConcurrentHashMap<>();
    private final List<PeriodicProbe> probes = new ArrayList<>();

    private DueExits(
            Actions actions,
            Predicate<StopCondition> isAbove,
            Supplier<String> phase,
            Refusals refusals,
            InstantSource clock) {
        this.actions = actions;
        this.isAbove = isAbove;
        this.phase = phase;
        this.refusals = refusals;
        this.clock = clock;
    }

    /// Each kind has its own thread: a server that does not answer delays one only.
    ///
    /// @param declared the conditions that can begin
    /// @param isAbove whether the value is known to be above the limit at this moment
    /// @param phase names the migration's phase at this moment
    static DueExits start(
            List<StopCondition> declared,
            Actions actions,
            Predicate<StopCondition> isAbove,
            Supplier<String> phase,
            Refusals refusals,
            InstantSource clock) {
        DueExits exits = new DueExits(actions, isAbove, phase, refusals, clock);
        exits.start(declared, Consequence.DROP_SLOT, exits::dropSlot);
        exits.start(declared, Consequence.ROLLBACK, exits::rollBack);
        return exits;
    }

    private void start(List<StopCondition> declared, Consequence kind, PeriodicProbe.Round round) {
        if (declared.stream().anyMatch(each -> each.then() == kind)) {
            probes.add(
                    PeriodicProbe.start(
                            "stop-conditions-" + kind.id(), INTERVAL, clock, round, () -> {}));
        }
    }

    /// The condition has begun.
    void begin(StopCondition condition, Hold hold) {
        if (condition.then().isFinal()) {
            due.put(condition.name(), new Due(condition, hold, Instant.MIN, false));
        }
    }

    /// What could not be done yet need not be done any more.
    void end(String condition) {
        due.remove(condition);
    }

    private List<Due> due(Consequence kind) {
        return due.values().stream().filter(each -> each.condition().then() == kind).toList();
    }

    /// Until the source confirms it. It may have been away since the condition began.
    private void dropSlot() throws SQLException {
        for (Due each : due(Consequence.DROP_SLOT)) {
            if (isAbove.test(each.condition()) && actions.mayDropSlot()) {
                actions.dropSlot();
                due.remove(each.condition().name(), each);
                LOG.atError()
                        .log("the replication slot was dropped, because the WAL budget is used up");
            }
        }
    }

    /// Until it begins.
    private void rollBack() {
        for (Due each : due(Consequence.ROLLBACK)) {
            switch (phase.get()) {
                case "REVERSIBLE" -> {
                    if (!clock.instant().isBefore(each.notBefore())
                            && isAbove.test(each.condition())) {
                        rollBack(each);
                    }
                }
                // It may return to the target.
                case "SWITCHING_OVER", "UNRESOLVED" -> {}
                default -> due.remove(each.condition().name(), each);
            }
        }
    }

    private void rollBack(Due each) {
        String name = each.condition().name();
        Optional<String> refused =
                refusal("stop condition %s: %s".formatted(name, each.hold().reason()));
        if (refused.isEmpty()) {
            due.remove(name, each);
            return;
        }
        Due next = new Due(each.condition(), each.hold(), clock.instant().plus(AGAIN), true);
        if (!due.replace(name, each, next)) {
            return;
        }
        Hold told =
                new Hold(
                        "%s. The rollback was refused: %s"
                                .formatted(each.hold().reason(), refused.get()),
                        each.hold().since());
        if (!each.refused()) {
            LOG.atError()
                    .addKeyValue("condition", name)
                    .addKeyValue("reason", refused.get())
                    .log("the rollback of a stop condition was refused; it is asked for again");
        }
        refusals.refused(name, told, !each.refused());
    }

    private Optional<String> refusal(String reason) {
        try {
            return actions.rollBack(reason);
        } catch (RuntimeException e) {
            return Optional.of(Incident.reason(LOG, "the rollback of a stop condition failed", e));
        }
    }

    @Override
    public void close() {
        probes.forEach(PeriodicProbe::close);
    }
}
