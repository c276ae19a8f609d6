package dev.millrace.replication;

import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.StoredOffset;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.TopicReader;
import dev.millrace.kafka.TopicReader.OffsetRange;
import dev.millrace.lag.OffsetTimes;
import dev.millrace.lag.TopicLag;
import dev.millrace.stream.ReplicationStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/// How far the readers of one generation's topics are, read from the broker: also right while a
/// reader is dead, because a consumer's own measurement ends with it. [#read] is confined to one
/// thread; the rest is thread-safe.
final class TopicLags {

    /// An older reading is not known any more.
    private static final Duration TOO_OLD = Duration.ofSeconds(10);

    /// A record from before the start of the process is read for its time, not more often than
    /// this.
    private static final Duration READ_AGAIN = Duration.ofSeconds(5);

    private static final Duration KAFKA_ANSWERS = Duration.ofSeconds(5);

    /// @param offsets by partition
    private record Reading(Topic topic, Instant at, List<Offsets> offsets) {}

    /// @param since after that, the record at `committed` was written; `null` if there is none, or
    ///   while it is unknown
    private record Offsets(
            int partition, long end, @Nullable Long committed, @Nullable Instant since) {}

    private record Topic(String id, String name, String group, List<OffsetTimes> times) {}

    private final Broker broker;
    private final TopicReader reader;
    private final int partitions;
    private final Topic changes;
    private final Topic target;
    private final Map<String, Instant> lastRead = new HashMap<>();
    private volatile List<Reading> readings = List.of();

    TopicLags(ReplicationStream stream, int generation, Broker broker) {
        this.broker = broker;
        this.reader = new TopicReader(stream.kafka(), KAFKA_ANSWERS);
        this.partitions = stream.partitions();
        this.changes =
                topic(
                        "changes",
                        stream.topics().changes(),
                        stream.topics().rowsApplication(generation));
        this.target = topic("target", stream.topics().target(), stream.topics().applierGroup());
    }

    private Topic topic(String id, String name, String group) {
        return new Topic(
                id,
                name,
                group,
                IntStream.range(0, partitions).mapToObj(_ -> new OffsetTimes()).toList());
    }

    /// @param applied the stored offsets of the target; what the applier commits to Kafka is up to
    ///   five seconds older
    void read(AppliedOffsets applied, Instant now) {
        Map<Integer, Long> stored = new HashMap<>();
        for (StoredOffset offset : applied.partitions()) {
            stored.put(offset.partition(), offset.nextOffset());
        }
        Reading ofChanges = read(changes, Map.of(), now);
        readings = List.of(ofChanges, read(target, stored, now));
    }

    private Reading read(Topic topic, Map<Integer, Long> stored, Instant now) {
        // Before the ends: a reader is never ahead of them.
        Map<Integer, Long> committed = broker.committedOffsets(topic.group(), topic.name());
        stored.forEach((partition, offset) -> committed.merge(partition, offset, Math::max));
        Map<Integer, Long> ends = broker.ends(topic.name(), partitions);
        ends.forEach((partition, end) -> topic.times().get(partition).ends(end, now));
        readOldRecords(topic, committed, ends, now);
        List<Offsets> offsets = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            long end = ends.getOrDefault(partition, 0L);
            Long next = committed.get(partition);
            OffsetTimes times = topic.times().get(partition);
            if (next != null) {
                times.forgetBefore(next);
            }
            offsets.add(
                    new Offsets(
                            partition,
                            end,
                            next,
                            next == null || next >= end
                                    ? null
                                    : times.writtenAfter(next).orElse(null)));
        }
        return new Reading(topic, now, offsets);
    }

    /// A record that is older than this process has its time in the log.
    private void readOldRecords(
            Topic topic, Map<Integer, Long> committed, Map<Integer, Long> ends, Instant now) {
        Map<TopicPartition, OffsetRange> unread = new HashMap<>();
        committed.forEach(
                (partition, next) -> {
                    long end = ends.getOrDefault(partition, 0L);
                    if (next < end && topic.times().get(partition).isUnread(next)) {
                        unread.put(
                                new TopicPartition(topic.name(), partition),
                                new OffsetRange(next, end));
                    }
                });
        Instant last = lastRead.getOrDefault(topic.name(), Instant.MIN);
        if (unread.isEmpty() || last.plus(READ_AGAIN).isAfter(now)) {
            return;
        }
        lastRead.put(topic.name(), now);
        Map<Integer, Long> begins = broker.begins(topic.name(), partitions);
        unread.replaceAll(
                (partition, range) ->
                        new OffsetRange(
                                Math.max(
                                        range.from(),
                                        begins.getOrDefault(partition.partition(), 0L)),
                                range.to()));
        reader.firstWritten(unread)
                .forEach(
                        (partition, written) -> {
                            Long next = committed.get(partition.partition());
                            if (next != null) {
                                topic.times().get(partition.partition()).written(next, written);
                            }
                        });
    }

    /// Both topics, in the order of the data.
    List<TopicLag> lags(Instant now) {
        return readings.stream().map(reading -> lag(reading, now)).toList();
    }

    private static TopicLag lag(Reading reading, Instant now) {
        boolean isOld = Duration.between(reading.at(), now).compareTo(TOO_OLD) > 0;
        return TopicLag.of(
                reading.topic().id(),
                reading.topic().group(),
                reading.offsets().stream()
                        .map(
                                each ->
                                        isOld
                                                ? new TopicLag.Partition(
                                                        each.partition(), null, null, null, null)
                                                : lag(each, now))
                        .toList());
    }

    private static TopicLag.Partition lag(Offsets offsets, Instant now) {
        Long committed = offsets.committed();
        if (committed == null) {
            return new TopicLag.Partition(offsets.partition(), offsets.end(), null, null, null);
        }
        long records = Math.max(0, offsets.end() - committed);
        Instant since = offsets.since();
        return new TopicLag.Partition(
                offsets.partition(),
                offsets.end(),
                committed,
                records,
                records == 0
                        ? (Double) 0.0
                        : since == null
                                ? null
                                : (Double)
                                        (Math.max(0, Duration.between(since, now).toMillis())
                                                / 1_000.0));
    }
}
