package dev.millrace.switchover;

import dev.millrace.change.TableId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// The facts on which the gates decide. A fact that could not be read is empty. Immutable.
///
/// @param phase name of the migration's phase
/// @param verdict the last verdict on all tables, or a later one that found differences
/// @param lag end-to-end lag
/// @param rejected changes that were not applied, of all tables
/// @param incompleteKeys keys whose row is being read again
/// @param plan what `plan` reports now
/// @param sides what the catalogs contain now
/// @param parity what the application would not find on the target as it is on the source, each
///   with its remedy
/// @param sequences why sequences of the source cannot be advanced by a rollback, each with its
///   remedy; a switchover has what `plan` reports
/// @param targetFence what is wrong with the fence of the target
/// @param routes what prevents the routes from working
/// @param holds why the operator, or a stop condition, keeps the switchover from beginning
public record GateFacts(
        String phase,
        Optional<Verdict> verdict,
        Optional<Duration> lag,
        OptionalLong rejected,
        OptionalLong incompleteKeys,
        Optional<Plan> plan,
        Optional<Sides> sides,
        Optional<List<String>> parity,
        Optional<List<String>> sequences,
        Optional<List<String>> targetFence,
        Optional<List<String>> routes,
        List<String> holds) {

    public GateFacts {
        holds = List.copyOf(holds);
    }

    /// @param word `equal`, `different` or `undecided`
    /// @param broken what the verdict was bound to and no longer holds
    public record Verdict(String word, Instant finishedAt, List<BrokenBond> broken) {

        public Verdict {
            broken = List.copyOf(broken);
        }

        /// @param name a stable identifier: `source-schema`
        /// @param reason a clause without a full stop
        public record BrokenBond(String name, String reason) {}
    }

    /// @param readiness what the switchover lacks, each with its remedy, by the name of the check
    ///   without its prefix `switchover.`
    /// @param refusals why `plan` refuses the file today, each with its remedy
    /// @param changedTables target tables whose mapping is no longer the one that runs; empty if
    ///   `plan` refuses the file, because then no mapping is known
    public record Plan(
            Map<String, List<String>> readiness,
            List<String> refusals,
            Optional<List<TableId>> changedTables) {

        public Plan {
            readiness = Map.copyOf(readiness);
            refusals = List.copyOf(refusals);
            changedTables = changedTables.map(List::copyOf);
        }
    }

    /// What the catalogs of both databases contain.
    ///
    /// @param transactions old and prepared transactions on the source
    /// @param hidden why transactions of other roles are not known; empty if they are
    /// @param subscriptions subscriptions that write into mapped tables, on either side
    /// @param strangers sessions of other programs under Millrace's role on the source
    /// @param unready constraints that are not validated and indexes that are not valid, of the
    ///   target tables
    /// @param lackingRoles roles that may write a source table, each with a privilege that it has
    ///   there and lacks on a target table of it
    public record Sides(
            List<String> transactions,
            Optional<String> hidden,
            List<String> subscriptions,
            List<String> strangers,
            List<String> unready,
            List<String> lackingRoles) {

        public Sides {
            transactions = List.copyOf(transactions);
            subscriptions = List.copyOf(subscriptions);
            strangers = List.copyOf(strangers);
            unready = List.copyOf(unready);
            lackingRoles = List.copyOf(lackingRoles);
        }
    }

    /// When the gates open.
    ///
    /// @param verdictMaxAge `switchover.verdict-max-age`
    /// @param lagBelow `switchover.lag-below`
    public record Limits(Duration verdictMaxAge, Duration lagBelow) {}
}
