package dev.millrace.reconcile;

import dev.millrace.digest.Chunker;
import dev.millrace.kafka.ChangeLog;
import java.time.Duration;

/// What the parts of one reconciliation work with.
public record ReconcileContext(
        Chunker chunker,
        FencedSourceReader lookout,
        ReplicationProgress road,
        ChangeLog log,
        ReconcileLimits limits,
        Cancellation cancellation) {
    /// What bounds one table's comparison. There is no limit of time: a comparison takes as long as
    /// it takes, and can be cancelled.
    ///
    /// @param rounds reads of single keys before those that still change are decided from the log;
    ///   at least 1
    /// @param untilShown how long the source is waited for that does not show a commit yet
    /// @param rows of both sides that are held and compared one by one; what differs beyond that is
    ///   not looked at
    /// @param characters of each side's keys, or of their cells, that are held at a time
    public record ReconcileLimits(int rounds, Duration untilShown, long rows, long characters) {

        public static final ReconcileLimits DEFAULT =
                new ReconcileLimits(5, Duration.ofSeconds(2), 200_000, 32L * 1024 * 1024);

        public ReconcileLimits {
            if (rounds < 1 || untilShown.isNegative() || rows < 1 || characters < 1) {
                throw new IllegalArgumentException(
                        "a reconciliation takes at least one round, one row and one character, got "
                                + rounds
                                + ", "
                                + rows
                                + ", "
                                + characters);
            }
        }
    }
}
