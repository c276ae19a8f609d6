package dev.millrace.migration;

import java.time.Duration;
import java.util.Optional;

/// Decides which phase the facts allow. Pure. What isn't known counts as too far behind.
final class PhaseRule {

    /// Below this age of the target's content the migration is in sync.
    static final Duration IN_SYNC_BELOW = Duration.ofSeconds(5);

    /// Above this age it is no longer; apart from the other, so that it doesn't flap.
    static final Duration BEHIND_ABOVE = Duration.ofSeconds(15);

    /// @param backfilled every row that was there before is in the log
    /// @param behind age of the newest moment of the source up to which the target is complete
    /// @param partsWell every moving part runs and no table is stopped
    /// @param lost why the migration can't be carried on exactly
    record Facts(
            boolean backfilled,
            Optional<Duration> behind,
            boolean partsWell,
            Optional<String> lost) {}

    private PhaseRule() {}

    static Phase next(Phase now, Facts facts) {
        if (facts.lost().isPresent()) {
            return now.fail(facts.lost().get());
        }
        return switch (now) {
            case Phase.Planned planned -> planned.begin();
            case Phase.Backfilling backfilling ->
                    facts.backfilled() ? backfilling.backfilled() : backfilling;
            case Phase.CatchingUp catchingUp ->
                    facts.partsWell() && closerThan(IN_SYNC_BELOW, facts)
                            ? catchingUp.caughtUp()
                            : catchingUp;
            case Phase.InSync inSync ->
                    facts.partsWell() && closerThan(BEHIND_ABOVE, facts)
                            ? inSync
                            : inSync.fellBehind();
            case Phase.Failed failed -> failed;
        };
    }

    private static boolean closerThan(Duration limit, Facts facts) {
        return facts.behind().filter(age -> age.compareTo(limit) < 0).isPresent();
    }
}
