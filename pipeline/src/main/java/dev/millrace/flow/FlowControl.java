package dev.millrace.flow;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.control.flow.FlowStore;
import dev.millrace.control.flow.FlowStore.Hold;
import dev.millrace.control.flow.FlowStore.Pause;
import dev.millrace.control.flow.FlowStore.Setting;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.flow.Holds.Held;
import dev.millrace.lifecycle.Fault;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.stream.BackfillProgress;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Pauses, limits and stops the flow, for the operator and for stop conditions. What the operator
/// sets is stored in the control schema before it takes effect, so that a restart never forgets a
/// pause that was confirmed. Only a kill takes effect first. What both hold is held until both have
/// released it. One [Pace] and one [WriteGate] serve every generation of this process.
///
/// Thread-safe. Operators' changes exclude each other while the target stores them. The settings
/// that have taken effect are guarded by this object's monitor, under which nothing waits for a
/// server.
public final class FlowControl {

    private static final Logger LOG = LoggerFactory.getLogger(FlowControl.class);

    /// How long transactions on the target may still commit when apply is paused.
    private static final Duration GRACE = Duration.ofMillis(500);

    private static final String WITHOUT_LOCK =
            "This process does not have the migration's lock at this moment. Run 'millrace status' to see why, and run the command again when the target answers";

    private static final String KILLED_WITHOUT_LOCK =
            "This process has stopped all its writes, but it does not have the migration's lock at this moment, so the kill is not stored: a restart may continue the writes, and so does another process that has the lock. Run the command again, also on the other process";

    private final FlowRules rules;
    private final FlowStore store;
    private final BooleanSupplier owner;
    private final String service;
    private final InstantSource clock;
    private final Pace pace;
    private final WriteGate gate;
    private final Lock changes = new ReentrantLock();
    private volatile Setting setting;
    private volatile Holds held = Holds.NONE;
    private volatile Supplier<List<String>> blocked = List::of;

    /// Kills that have taken effect and are not stored yet; guarded by this.
    private int killing;

    /// An operation that moves the traffic is about to begin; guarded by this.
    private boolean beginsMove;

    /// @param gate of the streams that write to the target
    FlowControl(
            FlowRules rules,
            FlowStore store,
            WriteGate gate,
            BooleanSupplier owner,
            String service,
            InstantSource clock)
            throws SQLException {
        this.rules = rules;
        this.store = store;
        this.owner = owner;
        this.service = service;
        this.clock = clock;
        this.pace = new Pace(clock);
        this.gate = gate;
        this.setting = rules.possible(store.read());
        enforce();
    }

    /// Continues with what was set before the restart.
    ///
    /// @param owner whether this process has the migration's lock at this moment
    /// @param service who the journal names if a client gives no name
    public static FlowControl resume(
            ReplicationStream stream, BooleanSupplier owner, String service, InstantSource clock)
            throws SQLException {
        return new FlowControl(
                new FlowRules(stream.settings().backfill()),
                new FlowStore(stream.control(), stream.id()),
                new WriteGate(() -> stream.target().database().connect("pause"), clock),
                owner,
                service,
                clock);
    }

    public Pace pace() {
        return pace;
    }

    public WriteGate gate() {
        return gate;
    }

    FlowStore store() {
        return store;
    }

    /// @param blocked why stop conditions keep a switchover from beginning
    void blockedBy(Supplier<List<String>> blocked) {
        this.blocked = blocked;
    }

    /// Holds what the condition says. Transactions that are under way are ended by another thread,
    /// so that a target that does not answer delays no other condition.
    ///
    /// @param share of the time in which there is still work, if the condition slows it
    /// @param phaseNow names the migration's phase at this moment
    /// @return false if that is not possible in this phase; nothing is held then
    boolean hold(StopCondition condition, Hold hold, double share, Supplier<String> phaseNow) {
        synchronized (this) {
            Held next = new Held(condition, hold, share);
            if (next.concernsApply()
                    && (beginsMove || FlowRules.refusalOfPause(phaseNow.get()).isPresent())) {
                return false;
            }
            held = held.with(next);
            enforce();
        }
        Thread.ofVirtual().name("flow-hold").start(this::endTransactions);
        return true;
    }

    private void endTransactions() {
        endTransactions(GRACE)
                .ifPresent(
                        why ->
                                LOG.atWarn()
                                        .addKeyValue("reason", why)
                                        .log("a transaction may still be open on the target"));
    }

    /// Holds nothing for this condition any more.
    synchronized void release(String condition) {
        held = held.without(condition);
        enforce();
    }

    private FlowState state() {
        return new FlowState(rules, setting, held);
    }

    private FlowReport report(Setting of) {
        return new FlowState(rules, of, held).report(pace.rate(), gate.rate());
    }

    /// What is set.
    public FlowReport status() {
        return report(setting);
    }

    /// Why the migration cannot be in sync.
    ///
    /// @param progress of the backfill
    public List<String> blockers(Optional<BackfillProgress> progress) {
        return state().blockers(progress, blocked.get());
    }

    /// Why no switchover may begin.
    public List<String> holdsSwitchover() {
        return state().holdsSwitchover(blocked.get());
    }

    /// Why nothing is written to the target; empty while apply may write.
    public Optional<String> holdsApply() {
        return state().holdsApply();
    }

    /// The commands that are legal now.
    ///
    /// @param phase the name of the migration's phase
    public List<String> actions(Optional<BackfillProgress> progress, String phase) {
        return state().actions(progress, phase);
    }

    /// Begins an operation that moves the traffic, unless apply is paused or limited. Neither
    /// begins meanwhile.
    ///
    /// @throws RefusedException when apply is paused or limited
    public <T> T whileApplying(Supplier<T> beginning) {
        changes.lock();
        try {
            synchronized (this) {
                refuseIf(state().holdsMove().map(why -> "The traffic cannot be moved: " + why));
                beginsMove = true;
            }
            return beginning.get();
        } finally {
            synchronized (this) {
                beginsMove = false;
            }
            changes.unlock();
        }
    }

    /// @param phaseNow names the migration's phase at this moment
    /// @throws RefusedException when the change is not possible now; it has no effect then, except
    ///   a kill that could not be stored, of which the message says so
    public FlowChange.Outcome change(FlowChange change, Supplier<String> phaseNow) {
        Optional<String> open = Optional.empty();
        boolean isKill = change.action() instanceof Action.Kill && !change.dryRun();
        if (isKill) {
            requirePossible(change, phaseNow.get());
            // Not after another change that waits for the target.
            countKill(1);
            open = endTransactions(Duration.ZERO);
        }
        FlowReport report;
        changes.lock();
        try {
            report = make(change, phaseNow.get());
        } finally {
            if (isKill) {
                // A kill that came too late for this phase has no effect.
                countKill(-1);
            }
            changes.unlock();
        }
        if (!isKill && !change.dryRun()) {
            open = endTransactions(GRACE);
        }
        return new FlowChange.Outcome(
                FlowRules.text(change.action())
                        + state().stillHeld(change.action())
                        + open.map(". But: "::concat).orElse(""),
                report);
    }

    /// Pauses the backfill and apply, as an operator does.
    ///
    /// @throws RefusedException as [#change]
    public void pauseAll(String reason, String phase) {
        change(
                new FlowChange(
                        new Action.Pause(EnumSet.allOf(Part.class)),
                        reason,
                        Optional.empty(),
                        Optional.empty(),
                        false),
                () -> phase);
    }

    private void requirePossible(FlowChange change, String phase) {
        RefusedException.ifWrongPhase(phase, change.expectedPhase());
        refuseIf(rules.refusal(change.action(), setting, phase));
    }

    private FlowReport make(FlowChange change, String phase) {
        requirePossible(change, phase);
        String who = change.who().orElse(service);
        Setting next =
                rules.next(
                        change.action(), setting, new Pause(change.reason(), who, clock.instant()));
        if (change.dryRun()) {
            return report(next);
        }
        boolean isOwner = owner.getAsBoolean();
        if (change.action() instanceof Action.Kill) {
            setting = next;
            // What another process has set is not overwritten.
            refuseIf(isOwner ? Optional.empty() : Optional.of(KILLED_WITHOUT_LOCK));
        }
        refuseIf(isOwner ? Optional.empty() : Optional.of(WITHOUT_LOCK));
        save(next, change, who, phase);
        setting = next;
        enforce();
        return report(next);
    }

    private static void refuseIf(Optional<String> reason) {
        reason.ifPresent(
                refused -> {
                    throw new RefusedException(refused);
                });
    }

    private void save(Setting next, FlowChange change, String who, String phase) {
        String kind = change.action().kind();
        try {
            store.save(
                    next,
                    new FlowStore.Note(
                            who, phase, kind, FlowRules.text(change.action()), change.reason()));
        } catch (SQLException e) {
            LOG.atWarn()
                    .addKeyValue("change", kind)
                    .setCause(Fault.of(e))
                    .log("a change of the flow could not be stored");
            throw new RefusedException(
                    change.action() instanceof Action.Kill
                            ? "This process has stopped all writes, but the target did not confirm that this is stored; a restart may continue them. Run the command again when the target answers"
                            : "The target did not confirm that the change is stored, so it is not in force; a restart may apply it. Run the command again when the target answers");
        }
        LOG.atInfo()
                .addKeyValue("change", kind)
                .addKeyValue("who", who)
                .addKeyValue("reason", change.reason())
                .log("the operator changed the flow");
    }

    private synchronized void countKill(int more) {
        killing += more;
        enforce();
    }

    private synchronized void enforce() {
        Setting now = setting;
        pace.throttle(now.backfillLimit());
        pace.slow(held.share(Part.BACKFILL));
        gate.throttle(now.applyLimit());
        gate.slow(held.share(Part.APPLY));
        boolean isKilled = now.killed() || killing > 0;
        if (isKilled || now.backfill().isPresent() || held.pauses(Part.BACKFILL).isPresent()) {
            pace.pause();
        } else {
            pace.resume();
        }
        if (isKilled) {
            gate.closeBothSides();
        } else if (now.apply().isPresent() || held.pauses(Part.APPLY).isPresent()) {
            gate.close();
        } else {
            gate.open();
        }
    }

    /// @return why a transaction may still be open on the target although apply is paused
    private Optional<String> endTransactions(Duration grace) {
        try {
            return gate.isClosed() ? gate.end(grace) : Optional.empty();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return Optional.of("The service is stopping");
        }
    }
}
