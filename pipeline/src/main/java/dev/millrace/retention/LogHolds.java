package dev.millrace.retention;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/// The readers that need old records of the changes topic, and what was released for deletion. A
/// hold begins after everything that was released before it, so a deletion that is under way never
/// removes a record of the hold. Nobody waits. Thread-safe.
public final class LogHolds {

    private final Set<Hold> open = new HashSet<>();
    private Map<Integer, Long> released = Map.of();

    /// Keeps all records of the changes topic that are not released, until the result is closed.
    public synchronized Hold hold() {
        Hold hold = new Hold(released);
        open.add(hold);
        return hold;
    }

    /// Decides what is deleted, with the first offsets that the holds need, and releases it.
    synchronized Deletable release(Function<List<Map<Integer, Long>>, Deletable> decision) {
        List<Map<Integer, Long>> needed = new ArrayList<>();
        open.forEach(hold -> needed.add(hold.from()));
        Deletable decided = decision.apply(needed);
        if (decided instanceof Deletable.Before before) {
            Map<Integer, Long> all = new HashMap<>(released);
            before.changes()
                    .forEach((partition, offset) -> all.merge(partition, offset, Math::max));
            released = Map.copyOf(all);
        }
        return decided;
    }

    /// One reader's hold. Thread-safe.
    public final class Hold implements AutoCloseable {

        private final Map<Integer, Long> from;

        private Hold(Map<Integer, Long> from) {
            this.from = from;
        }

        /// The first offset that is kept, by partition. The log may contain earlier records, which
        /// may disappear at any time. A partition without a value is kept from its beginning.
        public Map<Integer, Long> from() {
            return from;
        }

        /// The first readable offsets of a log.
        ///
        /// @param begins the first offset of each partition as Kafka has it
        public Map<Integer, Long> after(Map<Integer, Long> begins) {
            Map<Integer, Long> readable = new HashMap<>(begins);
            readable.replaceAll(
                    (partition, begin) -> Math.max(begin, from.getOrDefault(partition, 0L)));
            return readable;
        }

        @Override
        public void close() {
            synchronized (LogHolds.this) {
                open.remove(this);
            }
        }
    }
}
