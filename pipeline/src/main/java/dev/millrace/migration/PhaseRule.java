package dev.millrace.migration;

import dev.millrace.migration.Phase.Traffic;
import java.time.Duration;
import java.util.Optional;

/// Decides which transition of the phase the facts allow. Pure. An unknown lag counts as too high.
final class PhaseRule {

    /// The migration is in sync below this end-to-end lag.
    static final Duration IN_SYNC_BELOW = Duration.ofSeconds(5);

    /// The migration is no longer in sync from this lag on. The gap between the two limits keeps
    /// the phase from flapping.
    static final Duration BEHIND_FROM = Duration.ofSeconds(15);

    /// @param backfilled every existing row is in the log
    /// @param incompleteFor how long the log has had changes without all cells, empty when it has
    ///   none
    /// @param lag end-to-end lag, empty when unknown
    /// @param componentsWell every component runs, apply is not paused, no table is stopped, and
    ///   every index and foreign key that was dropped for the backfill exists again
    /// @param failure why the migration cannot continue exactly
    /// @param traffic where the application writes
    record Facts(
            boolean backfilled,
            Optional<Duration> incompleteFor,
            Optional<Duration> lag,
            boolean componentsWell,
            Optional<String> failure,
            Traffic traffic) {}

    /// The next phase, and when it becomes visible.
    sealed interface Transition {

        Phase to();

        /// The phase does not change.
        record Stay(Phase to) implements Transition {}

        /// Visible at once; the journal follows when the target answers. A phase that promises less
        /// must not wait for the target.
        record AtOnce(Phase to) implements Transition {}

        /// Visible after it is journaled. A phase that promises more must be in the journal first.
        record AfterJournal(Phase to) implements Transition {}
    }

    private PhaseRule() {}

    static Transition next(Phase now, Facts facts) {
        return switch (facts.traffic()) {
            // While the traffic is moved or on the target, a failed component is a blocker: the
            // operation goes back by itself, and a rollback may not need the component.
            case MOVING -> to(now, new Phase.SwitchingOver());
            case UNRESOLVED -> to(now, new Phase.Unresolved());
            case ON_TARGET -> to(now, new Phase.Reversible());
            case ON_SOURCE -> onSource(now, facts);
        };
    }

    private static Transition to(Phase now, Phase next) {
        return now.equals(next) ? new Transition.Stay(now) : new Transition.AtOnce(next);
    }

    private static Transition onSource(Phase now, Facts facts) {
        Optional<String> failure = facts.failure();
        if (failure.isPresent() && !(now instanceof Phase.Failed)) {
            return new Transition.AtOnce(now.fail(failure.get()));
        }
        return switch (now) {
            case Phase.Planned planned -> new Transition.AfterJournal(planned.begin());
            case Phase.Backfilling backfilling ->
                    facts.backfilled() && facts.incompleteFor().isEmpty()
                            ? new Transition.AtOnce(backfilling.backfilled())
                            : new Transition.Stay(backfilling);
            case Phase.CatchingUp catchingUp ->
                    facts.componentsWell()
                                    && facts.incompleteFor().isEmpty()
                                    && isBelow(IN_SYNC_BELOW, facts)
                            ? new Transition.AfterJournal(catchingUp.caughtUp())
                            : new Transition.Stay(catchingUp);
            case Phase.InSync inSync ->
                    facts.componentsWell() && isBelow(BEHIND_FROM, facts)
                            ? new Transition.Stay(inSync)
                            : new Transition.AtOnce(inSync.fellBehind());
            case Phase.SwitchingOver _, Phase.Reversible _, Phase.Unresolved _ ->
                    new Transition.AtOnce(new Phase.CatchingUp());
            case Phase.Failed failed -> new Transition.Stay(failed);
        };
    }

    /// A key whose row is not complete in the log is not up to date on the target either.
    private static boolean isBelow(Duration limit, Facts facts) {
        return facts.lag().filter(lag -> lag.compareTo(limit) < 0).isPresent()
                && facts.incompleteFor().filter(time -> time.compareTo(limit) >= 0).isEmpty();
    }
}
