package dev.millrace.reconcile;

import dev.millrace.change.WatermarkNumber;
import java.util.Map;
import java.util.Set;

/// A read of the source, fenced so that the target may be read next.
sealed interface FencedRead<S> {

    /// The target has stored everything the source showed to this read.
    ///
    /// @param ends of the changes topic, noted before everything else: a change that the read did
    ///   not see lies at or behind them, except those of `hidden`
    /// @param hidden transactions whose changes may lie before `ends` and which the source did not
    ///   show to the read (visible order is not WAL order)
    /// @param high watermark behind the read
    record Seen<S>(S source, Map<Integer, Long> ends, Set<Long> hidden, WatermarkNumber high)
            implements FencedRead<S> {}

    record NotSeen<S>(String why) implements FencedRead<S> {}
}
