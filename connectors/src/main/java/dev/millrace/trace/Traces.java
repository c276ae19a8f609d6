package dev.millrace.trace;

import dev.millrace.change.ChangeEvent.Origin;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/// Makes the spans of sampled source transactions: `capture` from the commit on the source until
/// the log has the changes, `mappings` until the target topic has them, `apply` until the target
/// has committed them. The context travels in the headers of the blocks.
///
/// Installed once for the process, before a stream starts. Without it, a stage asks once whether
/// traces are on, and does nothing for a block or a change. Thread-safe; the parts that
/// [#capture()] and [#apply] return are confined to their stage's thread.
public final class Traces {

    /// More blocks of sampled transactions of one partition are not followed at a time.
    private static final int MOST_FOLLOWED = 1_000;

    /// What one stage did with a sampled transaction. Immutable.
    ///
    /// @param name `capture`, `mappings` or `apply`
    /// @param parent id of the span before it; `null` for the first
    /// @param attributes ids and names, never values of a row
    record Span(
            TraceContext context,
            @Nullable String parent,
            String name,
            Instant start,
            Instant end,
            Map<String, String> attributes) {

        Span {
            attributes = Map.copyOf(attributes);
        }
    }

    private static volatile @Nullable Traces installed;

    private final double ratio;
    private final InstantSource clock;
    private final Consumer<Span> exporter;

    /// @param ratio of the source transactions that are sampled, 0 to 1
    Traces(double ratio, InstantSource clock, Consumer<Span> exporter) {
        this.ratio = ratio;
        this.clock = clock;
        this.exporter = exporter;
    }

    /// @param traces `null` to switch them off
    public static void install(@Nullable Traces traces) {
        installed = traces;
    }

    /// `null` if traces are off.
    public static @Nullable Traces installed() {
        return installed;
    }

    /// All changes of a transaction have the same answer, also when it is captured again.
    private boolean isSampled(long transaction) {
        return transaction != 0 && (mixed(transaction) >>> 11) * 0x1.0p-53 < ratio;
    }

    private static long mixed(long value) {
        long z = (value ^ value >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    private static long newId() {
        long id = ThreadLocalRandom.current().nextLong();
        return id == 0 ? 1 : id;
    }

    /// The part of capture for one writer of the log.
    public Capture capture(String migration) {
        return new Capture(migration);
    }

    /// Not thread-safe.
    public final class Capture {

        private record Begun(TraceContext context, Instant committed, long transaction) {}

        private final String migration;
        private final Map<Long, Begun> begun = new HashMap<>();
        private final Map<Integer, List<Begun>> blocks = new HashMap<>();

        private Capture(String migration) {
            this.migration = migration;
        }

        /// A change of this origin is added to the block of a partition.
        public void added(int partition, Origin origin) {
            if (!isSampled(origin.transaction())) {
                return;
            }
            Begun span = begun.computeIfAbsent(origin.transaction(), _ -> begin(origin));
            List<Begun> block = blocks.computeIfAbsent(partition, _ -> new ArrayList<>());
            if (!block.contains(span)) {
                block.add(span);
            }
        }

        private Begun begin(Origin origin) {
            return new Begun(
                    TraceContext.of(
                            mixed(migration.hashCode() ^ origin.committedAtMicros()),
                            mixed(origin.transaction()),
                            newId()),
                    Instant.EPOCH.plus(origin.committedAtMicros(), ChronoUnit.MICROS),
                    origin.transaction());
        }

        /// The block of a partition is sent in a record with these headers.
        public void sent(int partition, Headers headers) {
            List<Begun> block = blocks.remove(partition);
            if (block != null) {
                block.forEach(span -> span.context().write(headers));
            }
        }

        /// The log has everything that was sent.
        public void committed() {
            if (begun.isEmpty()) {
                return;
            }
            Instant now = clock.instant();
            begun.values()
                    .forEach(
                            span ->
                                    exporter.accept(
                                            new Span(
                                                    span.context(),
                                                    null,
                                                    "capture",
                                                    span.committed(),
                                                    now,
                                                    Map.of(
                                                            "migration",
                                                            migration,
                                                            "transaction",
                                                            Long.toString(span.transaction())))));
            begun.clear();
            blocks.clear();
        }
    }

    /// A record of the target topic is sent with the headers of the block that it was made of,
    /// which become its own.
    ///
    /// @param written when the block was written to the changes topic
    /// @return to be run when the broker has the record
    public Runnable mapped(
            String topic, @Nullable Integer partition, long written, Headers headers) {
        List<TraceContext> parents = TraceContext.read(headers);
        if (parents.isEmpty()) {
            return () -> {};
        }
        TraceContext.remove(headers);
        List<TraceContext> spans = parents.stream().map(parent -> parent.span(newId())).toList();
        spans.forEach(span -> span.write(headers));
        return () -> {
            Instant now = clock.instant();
            for (int i = 0; i < spans.size(); i++) {
                exporter.accept(
                        new Span(
                                spans.get(i),
                                parents.get(i).spanId(),
                                "mappings",
                                Instant.ofEpochMilli(written),
                                now,
                                Map.of("topic", topic, "partition", String.valueOf(partition))));
            }
        };
    }

    /// The part of apply for one reader of the target topic.
    public Apply apply(String migration) {
        return new Apply(migration);
    }

    /// Not thread-safe.
    public final class Apply {

        private record Read(List<TraceContext> parents, Instant at) {}

        private final String migration;
        private final Map<Integer, TreeMap<Long, Read>> unapplied = new HashMap<>();

        private Apply(String migration) {
            this.migration = migration;
        }

        /// A record was read.
        public void read(int partition, long offset, Headers headers) {
            List<TraceContext> parents = TraceContext.read(headers);
            if (parents.isEmpty()) {
                return;
            }
            TreeMap<Long, Read> records =
                    unapplied.computeIfAbsent(partition, _ -> new TreeMap<>());
            records.putIfAbsent(offset, new Read(parents, clock.instant()));
            if (records.size() > MOST_FOLLOWED) {
                records.pollFirstEntry();
            }
        }

        /// The target has committed everything before this offset.
        public void applied(int partition, long nextOffset) {
            TreeMap<Long, Read> records = unapplied.get(partition);
            if (records == null || records.isEmpty()) {
                return;
            }
            Instant now = clock.instant();
            Map<Long, Read> done = records.headMap(nextOffset, false);
            done.values().forEach(read -> export(read, partition, now));
            done.clear();
        }

        private void export(Read read, int partition, Instant now) {
            for (TraceContext parent : read.parents()) {
                exporter.accept(
                        new Span(
                                parent.span(newId()),
                                parent.spanId(),
                                "apply",
                                read.at(),
                                now,
                                Map.of(
                                        "migration",
                                        migration,
                                        "partition",
                                        Integer.toString(partition))));
            }
        }
    }
}
