package dev.millrace.reconcile;

import dev.millrace.change.Lsn;
import dev.millrace.change.WatermarkNumber;
import java.time.Instant;
import java.util.Map;

/// What the reconciler needs of the running migration. Called by one thread at a time.
public interface Road {

    /// Per partition of the changes topic the offset behind the last committed record. Everything
    /// whose commit is written to the source's WAL after this call lies at or behind these offsets.
    Map<Integer, Long> changesEnds();

    /// Writes a watermark on the source and returns when its transaction is committed.
    Marked emitWatermark();

    /// Waits until every partition has stored this watermark or a later one.
    Wait awaitApplied(WatermarkNumber watermark, Instant deadline);

    /// Whether the log holds the commit of this transaction of the source. What isn't known is
    /// [Delivery#UNKNOWN]: a key that differs is then decided from the log alone.
    Delivery delivered(long transaction);

    /// @param lsn position of the watermark in the WAL
    record Marked(WatermarkNumber number, Lsn lsn) {}

    sealed interface Wait {
        record Applied() implements Wait {}

        /// @param reason for an operator: how far it came and what stands in the way
        record TimedOut(String reason) implements Wait {}
    }

    enum Delivery {
        YES,
        NO,
        UNKNOWN
    }
}
