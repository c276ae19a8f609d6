package dev.millrace.flow;

import dev.millrace.control.flow.FlowStore;
import dev.millrace.control.flow.FlowStore.Hold;
import dev.millrace.flow.ConditionState.Change;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.lifecycle.Fault;
import dev.millrace.postgres.load.LoadReader.Reading;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Evaluates the stop conditions of a migration several times a second, so that each holds and
/// releases the flow within a second after its cause has lasted for its time. A hold takes effect
/// first and is stored afterwards, because the target may be what is slow; it is stored when the
/// target answers. A restart continues with what is stored. Thread-safe.
public final class StopConditions implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(StopConditions.class);

    /// With the interval of the readings it is less than a second.
    private static final Duration INTERVAL = Duration.ofMillis(200);

    /// Who the journal names.
    private static final String WHO = "stop condition ";

    private final List<ConditionState> conditions = new ArrayList<>();
    private final FlowControl flow;
    private final LiveMetrics metrics;
    private final Supplier<String> phase;
    private final BooleanSupplier owner;
    private final InstantSource clock;
    private final DueExits exits;
    private final Queue<Unsaved> unsaved = new ConcurrentLinkedQueue<>();
    private final List<PeriodicProbe> probes;
    private volatile List<FlowReport.Condition> reports;

    /// What conditions do besides holding the flow.
    public interface Actions {

        /// Moves the traffic back to the source.
        ///
        /// @return why it was not begun; empty if it was. It is asked for again then
        Optional<String> rollBack(String reason);

        /// Whether no other process is known to have the migration, also while the target does not
        /// answer.
        boolean mayDropSlot();

        /// Drops the replication slot of the source.
        void dropSlot() throws SQLException;
    }

    /// What is to be stored.
    private interface Unsaved {
        void save() throws SQLException;
    }

    private StopConditions(
            List<StopCondition> declared,
            Map<String, Hold> stored,
            FlowControl flow,
            LiveMetrics metrics,
            Actions actions,
            Supplier<String> phase,
            BooleanSupplier owner,
            InstantSource clock) {
        for (StopCondition condition : declared) {
            conditions.add(
                    new ConditionState(
                            condition, Optional.ofNullable(stored.get(condition.name()))));
        }
        this.flow = flow;
        this.metrics = metrics;
        this.phase = phase;
        this.owner = owner;
        this.clock = clock;
        forget(declared, stored);
        continueHolds();
        this.reports = conditions.stream().map(ConditionState::report).toList();
        flow.blockedBy(this::blocksSwitchover);
        this.exits = DueExits.start(declared, actions, this::isAbove, phase, this::refused, clock);
        this.probes =
                conditions.isEmpty() && unsaved.isEmpty()
                        ? List.of()
                        : List.of(
                                PeriodicProbe.start(
                                        "stop-conditions",
                                        INTERVAL,
                                        clock,
                                        this::evaluate,
                                        () -> {}),
                                PeriodicProbe.start(
                                        "stop-conditions-store",
                                        INTERVAL,
                                        clock,
                                        this::store,
                                        () -> {}));
    }

    /// Continues with what was held before the restart.
    ///
    /// @param phase names the migration's phase at this moment
    /// @param owner whether this process has the migration's lock at this moment
    public static StopConditions start(
            ReplicationStream stream,
            FlowSetting setting,
            FlowControl flow,
            Actions actions,
            Supplier<String> phase,
            BooleanSupplier owner,
            InstantSource clock)
            throws SQLException {
        List<StopCondition> declared = new ArrayList<>(setting.stopWhen());
        if (stream.settings().backfill() == Backfill.WINDOWS) {
            declared.add(FlowSetting.BUDGET_USED);
        }
        switch (setting.walExit()) {
            case KEEP -> {}
            case DROP_SLOT -> declared.add(FlowSetting.BUDGET_EXCEEDED);
        }
        return new StopConditions(
                declared,
                flow.store().holds(),
                flow,
                LiveMetrics.start(
                        stream,
                        declared,
                        setting.walBudget(),
                        () -> owner.getAsBoolean() && !flow.gate().isSourceClosed(),
                        clock),
                actions,
                phase,
                owner,
                clock);
    }

    /// The conditions as they were evaluated last, in the order of the file.
    public List<FlowReport.Condition> reports() {
        return reports;
    }

    /// The WAL that the source retains.
    public FlowReport.Wal wal() {
        return metrics.wal();
    }

    /// What the file does not declare any more is released.
    private void forget(List<StopCondition> declared, Map<String, Hold> stored) {
        stored.keySet().stream()
                .filter(name -> declared.stream().noneMatch(each -> each.name().equals(name)))
                .forEach(name -> release(name, "the file does not have the condition any more"));
    }

    /// What may not be held any more, for example a pause of apply after a switchover, is released.
    private void continueHolds() {
        for (ConditionState state : conditions) {
            Optional<Hold> stored = state.hold();
            if (stored.isPresent() && mayBeDue(state.condition())) {
                // It begins again if the value is still above the limit.
                state.ended();
                release(state.condition().name(), "the service was started again");
            } else if (stored.isPresent()
                    && !flow.hold(state.condition(), stored.get(), state.share(), phase)) {
                state.ended();
                release(
                        state.condition().name(),
                        "it may not hold in the phase %s".formatted(phase.get()));
            }
        }
    }

    /// Whether the process may have ended between the hold and what the condition does.
    private boolean mayBeDue(StopCondition condition) {
        return switch (condition.then()) {
            case PAUSE_BACKFILL, PAUSE, SLOW_BACKFILL, SLOW, BLOCK_SWITCHOVER -> false;
            case ROLLBACK -> phase.get().equals("REVERSIBLE");
            case DROP_SLOT -> true;
        };
    }

    private List<String> blocksSwitchover() {
        synchronized (conditions) {
            return conditions.stream().flatMap(each -> each.blocksSwitchover().stream()).toList();
        }
    }

    private void evaluate() {
        Instant now = clock.instant();
        for (ConditionState state : conditions) {
            Optional<Change> change;
            synchronized (conditions) {
                change = state.observe(metrics.read(state.condition().measure(), now), now);
            }
            change.ifPresent(due -> make(due, state));
        }
        synchronized (conditions) {
            reports = conditions.stream().map(ConditionState::report).toList();
        }
    }

    private void make(Change change, ConditionState state) {
        String name = state.condition().name();
        switch (change) {
            case Change.Begun(Hold hold) -> {
                if (state.condition().then() == Consequence.ROLLBACK
                        && !phase.get().equals("REVERSIBLE")) {
                    return;
                }
                double share;
                synchronized (conditions) {
                    share = state.firstShare();
                }
                if (!flow.hold(state.condition(), hold, share, phase)) {
                    return;
                }
                synchronized (conditions) {
                    state.begun(hold);
                }
                LOG.atWarn()
                        .addKeyValue("condition", name)
                        .addKeyValue("then", state.condition().then().id())
                        .addKeyValue("reason", hold.reason())
                        .log("a stop condition holds the flow");
                FlowStore.Note note =
                        note(name, "hold", state.condition().then().id(), hold.reason());
                unsaved.add(() -> flow.store().hold(name, hold, note));
                exits.begin(state.condition(), hold);
            }
            case Change.Slowed(Hold hold, double share) -> {
                flow.hold(state.condition(), hold, share, phase);
                LOG.atInfo()
                        .addKeyValue("condition", name)
                        .addKeyValue("share", share)
                        .addKeyValue("reason", hold.reason())
                        .log("a stop condition changed the speed");
            }
            case Change.Ended(String reason) -> {
                synchronized (conditions) {
                    state.ended();
                }
                exits.end(name);
                flow.release(name);
                LOG.atInfo()
                        .addKeyValue("condition", name)
                        .addKeyValue("reason", reason)
                        .log("a stop condition holds the flow no more");
                release(name, reason);
            }
        }
    }

    private void refused(String name, Hold told, boolean isFirst) {
        FlowStore.Note note = note(name, "refused", "rollback", told.reason());
        // Under the lock: a release of the same hold must be stored after it.
        synchronized (conditions) {
            conditions.stream()
                    .filter(each -> each.condition().name().equals(name))
                    .filter(each -> each.hold().isPresent())
                    .forEach(
                            each -> {
                                each.begun(told);
                                if (isFirst) {
                                    unsaved.add(() -> flow.store().hold(name, told, note));
                                }
                            });
        }
    }

    /// At this moment, and not only when the condition began.
    private boolean isAbove(StopCondition condition) {
        return metrics.read(condition.measure(), clock.instant()).reading()
                        instanceof Reading.Known(double value)
                && value > condition.above();
    }

    private void release(String name, String reason) {
        FlowStore.Note note = note(name, "release", "continues", reason);
        unsaved.add(() -> flow.store().release(name, note));
    }

    private FlowStore.Note note(String name, String event, String what, String reason) {
        return new FlowStore.Note(WHO + name, phase.get(), event, what, reason);
    }

    /// In order, each until the target confirms it. Another owner has other conditions.
    private void store() throws SQLException {
        Unsaved next = unsaved.peek();
        while (next != null && owner.getAsBoolean()) {
            try {
                next.save();
            } catch (SQLException e) {
                LOG.atWarn()
                        .setCause(Fault.of(e))
                        .log("what a stop condition holds could not be stored; trying again");
                throw e;
            }
            unsaved.remove();
            next = unsaved.peek();
        }
    }

    @Override
    public void close() {
        probes.forEach(PeriodicProbe::close);
        exits.close();
        metrics.close();
    }
}
