package dev.millrace.lag;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// How far the reader of a topic is, as reported by the broker. A record is a block of changes.
/// What is not known is `null`, never zero. Immutable.
///
/// @param topic `changes` or `target`
/// @param group consumer group of the reader, as `kafka-consumer-groups` shows it
/// @param records of all partitions that are not read; `null` if one is unknown
/// @param seconds the age of the oldest of them; 0 if all are read
public record TopicLag(
        String topic,
        String group,
        @Nullable Long records,
        @Nullable Double seconds,
        List<Partition> partitions) {

    public TopicLag {
        partitions = List.copyOf(partitions);
    }

    /// One partition.
    ///
    /// @param end the offset after its last committed record
    /// @param committed the next offset that its reader reads
    /// @param records from there to the end. Markers of Kafka transactions count as well
    /// @param seconds the age of the record at `committed`; 0 if there is none
    public record Partition(
            int partition,
            @Nullable Long end,
            @Nullable Long committed,
            @Nullable Long records,
            @Nullable Double seconds) {}

    public static TopicLag of(String topic, String group, List<Partition> partitions) {
        return new TopicLag(topic, group, records(partitions), seconds(partitions), partitions);
    }

    private static @Nullable Long records(List<Partition> partitions) {
        List<Long> known =
                partitions.stream().map(Partition::records).filter(Objects::nonNull).toList();
        return partitions.isEmpty() || known.size() < partitions.size()
                ? null
                : (Long) known.stream().mapToLong(Long::longValue).sum();
    }

    private static @Nullable Double seconds(List<Partition> partitions) {
        List<Double> known =
                partitions.stream().map(Partition::seconds).filter(Objects::nonNull).toList();
        return partitions.isEmpty() || known.size() < partitions.size()
                ? null
                : (Double) known.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }
}
