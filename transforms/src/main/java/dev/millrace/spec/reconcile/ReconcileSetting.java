package dev.millrace.spec.reconcile;

import java.time.Duration;
import java.util.Optional;

/// When the service compares both sides by itself, and what a comparison may cost. It does not
/// change what the target's rows mean, so it is not part of `SpecHash`: it can be edited between
/// two starts of one migration, and verdicts stay valid. Immutable.
///
/// @param schedule when all rows of all tables are compared
/// @param incremental when the keys that were touched since, and the numbers of rows, are compared
/// @param watchesTarget whether the target is watched for rows that another program writes
public record ReconcileSetting(
        Schedule schedule, Schedule incremental, Load load, boolean watchesTarget) {

    /// The values of an absent `reconcile`.
    public static final ReconcileSetting DEFAULT =
            new ReconcileSetting(Schedule.NEVER, Schedule.NEVER, Load.DEFAULT, true);

    /// What a comparison may cost both servers.
    ///
    /// @param share of the time in which each session reads, above 0 and up to 1
    /// @param chunkTime what one read of a large table should take
    /// @param parallel ranges or groups of tables that are read at a time
    /// @param statementTimeout of each statement; empty without a limit
    public record Load(
            double share, Duration chunkTime, int parallel, Optional<Duration> statementTimeout) {

        public static final int MOST_PARALLEL = 4;

        public static final Load DEFAULT =
                new Load(1, Duration.ofMillis(500), MOST_PARALLEL, Optional.empty());
    }
}
