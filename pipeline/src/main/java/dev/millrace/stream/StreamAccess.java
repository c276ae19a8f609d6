package dev.millrace.stream;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.CaptureAccess;
import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.WatermarkSession;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.postgres.RunningTransactions;
import java.sql.SQLException;
import java.util.Objects;
import java.util.function.Predicate;

/// The capture of a stream as its backfill uses it, after the capture has read the log.
/// Thread-safe.
record StreamAccess(SourceCapture capture, WatermarkSession watermarks) implements CaptureAccess {

    @Override
    public WatermarkNumber emitWatermark() throws SQLException {
        return watermarks.emitOnDemand().number();
    }

    @Override
    public Predicate<RunningTransactions> deliveredAsOfNow() {
        return capture.delivered().hiddenAsOfNow();
    }

    @Override
    public boolean mayRead(TableId table) {
        return !capture.paused().changes().containsKey(table);
    }

    @Override
    public BackfillState state() {
        return Objects.requireNonNull(capture.backfill(), "the log is not read");
    }
}
