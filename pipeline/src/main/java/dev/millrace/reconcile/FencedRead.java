package dev.millrace.reconcile;

import dev.millrace.change.Lsn;
import dev.millrace.change.WatermarkNumber;
import java.util.Map;
import java.util.Set;

/// The result of a fenced read of the source, after which the target may be read. Immutable.
public sealed interface FencedRead<S> {

    /// The target has stored every change that was visible to this read.
    ///
    /// @param ends the ends of the changes topic, taken before everything else: a change that was
    ///   not visible to the read has an offset at or after them, except the changes of `hidden`
    /// @param hidden transactions whose changes may be before `ends` and which were not visible to
    ///   the read (visible order is not WAL order)
    /// @param high the watermark after the read
    record Fenced<S>(S source, Map<Integer, Long> ends, Set<Long> hidden, WatermarkNumber high)
            implements FencedRead<S> {

        /// The same read with another result.
        <R> Fenced<R> with(R result) {
            return new Fenced<>(result, ends, hidden, high);
        }
    }

    /// Two positions in the source's WAL. A snapshot that was taken between them shows every
    /// transaction that was visible at the first one, and none that began after the second.
    record Between(Lsn after, Lsn before) {

        /// The smallest interval that contains both.
        public Between and(Between other) {
            return new Between(
                    after.compareTo(other.after) <= 0 ? after : other.after,
                    before.compareTo(other.before) >= 0 ? before : other.before);
        }
    }

    record Failed<S>(String why) implements FencedRead<S> {}
}
