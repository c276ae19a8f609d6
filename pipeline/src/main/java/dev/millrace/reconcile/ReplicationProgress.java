package dev.millrace.reconcile;

import dev.millrace.change.Lsn;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.retention.LogHolds;
import java.util.Map;
import java.util.function.LongPredicate;

/// The progress of a running stream, as far as the reconciler needs it. Thread-safe: the chunks of
/// a table are compared by several threads.
public interface ReplicationProgress {

    /// The offset after the last committed record, per partition of the changes topic. Every change
    /// whose commit is written to the source's WAL after this call has an offset at or after these.
    Map<Integer, Long> changesEnds();

    /// The offset at which this generation begins, per partition of the changes topic; 0 where it
    /// is unknown. A topic whose first offset is at or before it contains the whole generation.
    Map<Integer, Long> changesBegins();

    /// Keeps the changes that a reconciliation may need, until the result is closed.
    LogHolds.Hold holdLog();

    /// Emits a watermark on the source and returns when its transaction is committed.
    ///
    /// @throws ReplicationUnavailable when the source does not answer
    Marked emitWatermark();

    /// Waits until every partition has stored this watermark or a later one, as long as the stream
    /// makes progress and the reconciliation is not cancelled.
    Wait awaitApplied(WatermarkNumber watermark, Cancellation cancellation);

    /// Tells whether the log contained a transaction of the source at the time of this call. The
    /// answer is exact for every transaction that is not visible to a snapshot taken afterwards.
    /// Takes transaction ids with epoch.
    LongPredicate delivered();

    /// @param lsn position of the watermark in the WAL
    record Marked(WatermarkNumber number, Lsn lsn) {}

    sealed interface Wait {
        record Applied() implements Wait {}

        /// @param reason for the operator: how far the target is and what blocks it
        record GivenUp(String reason) implements Wait {}
    }

    /// The stream cannot answer, for example because the source is unreachable. The message is for
    /// the operator and contains no secret and no value of a row.
    public static final class ReplicationUnavailable extends RuntimeException {

        private static final long serialVersionUID = 1L;

        public ReplicationUnavailable(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
