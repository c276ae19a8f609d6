package dev.millrace.reconcile;

import java.time.Duration;

/// How long one table may take and how often keys in motion are looked at before they are decided
/// from the log.
///
/// @param rounds looks at single keys, at least 1
public record ReconcileLimits(Duration perTable, int rounds) {

    public static final ReconcileLimits DEFAULT = new ReconcileLimits(Duration.ofMinutes(10), 5);

    public ReconcileLimits {
        if (rounds < 1 || perTable.isNegative() || perTable.isZero()) {
            throw new IllegalArgumentException(
                    "a reconciliation takes at least one round and some time, got "
                            + rounds
                            + " rounds in "
                            + perTable);
        }
    }
}
