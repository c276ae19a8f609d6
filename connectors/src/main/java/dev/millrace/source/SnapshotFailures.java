package dev.millrace.source;

import dev.millrace.fault.Failure;
import dev.millrace.fault.RepeatedFailures;
import java.time.Duration;

/// Why snapshots of a migration failed, over all generations that one process begins. A second
/// failure for the same reason is the last one. Kept in memory: a process that is started again is
/// an operator's decision to try once more, and a failed snapshot never ends the process by itself.
/// Thread-safe.
public final class SnapshotFailures {

    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final int LONGEST = 6;

    private final RepeatedFailures failures = new RepeatedFailures(2);

    /// Counts a failure that neither server's absence explains.
    ///
    /// @return whether a snapshot failed for this reason before
    boolean isRepeated(Failure failure) {
        return failures.isTooMany(failure);
    }

    /// How long to wait before the next snapshot: doubles with each failure, up to a minute.
    Duration pause() {
        return FIRST_PAUSE.multipliedBy(1L << Math.min(Math.max(failures.count() - 1, 0), LONGEST));
    }

    void succeeded() {
        failures.clear();
    }
}
