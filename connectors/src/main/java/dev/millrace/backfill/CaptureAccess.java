package dev.millrace.backfill;

import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.postgres.RunningTransactions;
import java.sql.SQLException;
import java.util.function.Predicate;

/// What the backfill needs of the capture, which implements it. Thread-safe.
public interface CaptureAccess {

    /// Commits a watermark on the source.
    WatermarkNumber emitWatermark() throws SQLException;

    /// Tests whether a snapshot hides a transaction that was in the stream before this call. The
    /// snapshot must be taken after the call.
    ///
    /// The test must cover *every* id that the snapshot hides, not only the ids that it lists: a
    /// transaction that committed in the WAL, is not visible yet and has the highest id so far is
    /// at or above `xmax`.
    ///
    /// @return true for every snapshot while it is unknown what is in the log
    Predicate<RunningTransactions> deliveredAsOfNow();

    /// What the log contains. Never ahead of the log.
    BackfillState state();

    /// Whether rows of the table may be read now: its definition is the one that the log expects.
    default boolean mayRead(TableId table) {
        return true;
    }
}
