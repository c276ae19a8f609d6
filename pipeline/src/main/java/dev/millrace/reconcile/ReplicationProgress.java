package dev.millrace.reconcile;

import dev.millrace.change.Lsn;
import dev.millrace.change.WatermarkNumber;
import java.util.Map;
import java.util.function.LongPredicate;

/// What the reconciler needs of the running migration. Called by one thread at a time.
public interface ReplicationProgress {

    /// Per partition of the changes topic the offset behind the last committed record. Everything
    /// whose commit is written to the source's WAL after this call lies at or behind these offsets.
    Map<Integer, Long> changesEnds();

    /// Per partition of the changes topic the offset at which this generation begins. A topic that
    /// still begins at or before it holds the whole generation. Offset 0 where that isn't known.
    Map<Integer, Long> changesBegins();

    /// Writes a watermark on the source and returns when its transaction is committed.
    Marked emitWatermark();

    /// Waits until every partition has stored this watermark or a later one, as long as something
    /// moves and the reconciliation isn't cancelled.
    Wait awaitApplied(WatermarkNumber watermark, Cancellation cancellation);

    /// Whether the log held a transaction of the source when this was called, if the source does
    /// not show it to a snapshot that is taken afterwards. Takes ids with epoch.
    LongPredicate delivered();

    /// @param lsn position of the watermark in the WAL
    record Marked(WatermarkNumber number, Lsn lsn) {}

    sealed interface Wait {
        record Applied() implements Wait {}

        /// @param reason for an operator: how far it came and what stands in the way
        record GivenUp(String reason) implements Wait {}
    }

    /// Thrown by a [ReplicationProgress] that can't do what it is asked, for example because the
    /// source is away. The message is for an operator and holds no secret and no value of a row.
    public static final class ReplicationUnavailable extends RuntimeException {

        private static final long serialVersionUID = 1L;

        public ReplicationUnavailable(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
