package dev.millrace.kafka;

import dev.millrace.change.Topics;
import dev.millrace.kafka.Broker.TopicSpec;
import java.util.List;
import java.util.Map;

/// The topics of a migration. Only the position topic is compacted, because an unchanged cell needs
/// earlier records. Kafka itself deletes nothing by time or size: Millrace deletes a record only
/// after every reader has stored a later position. Immutable.
public record TopicPlan(TopicSpec changes, TopicSpec target, TopicSpec position) {

    private static final String LARGEST_RECORD = Integer.toString(64 * 1024 * 1024);

    /// Kafka frees disk space by whole segments, and never the newest one of a partition. Must hold
    /// the largest record.
    private static final String SEGMENT = Integer.toString(128 * 1024 * 1024);

    /// A record has the time of the service that wrote it, and a mapped one keeps it. A broker
    /// whose clock is hours behind, or was set back, would refuse it.
    private static final String ANY_TIME = Long.toString(Long.MAX_VALUE);

    public List<TopicSpec> all() {
        return List.of(changes, target, position);
    }

    public static TopicPlan of(Topics topics, int partitions) {
        Map<String, String> kept =
                Map.of(
                        "cleanup.policy", "delete",
                        "retention.ms", "-1",
                        "retention.bytes", "-1",
                        "segment.bytes", SEGMENT,
                        "message.timestamp.after.max.ms", ANY_TIME,
                        "message.timestamp.before.max.ms", ANY_TIME,
                        "max.message.bytes", LARGEST_RECORD);
        Map<String, String> compacted =
                Map.of(
                        "cleanup.policy", "compact",
                        "message.timestamp.after.max.ms", ANY_TIME,
                        "message.timestamp.before.max.ms", ANY_TIME,
                        "max.message.bytes", LARGEST_RECORD,
                        // A start reads the whole topic, and the last segment is never compacted.
                        "segment.bytes", LARGEST_RECORD);
        return new TopicPlan(
                new TopicSpec(topics.changes(), partitions, kept),
                new TopicSpec(topics.target(), partitions, kept),
                new TopicSpec(topics.position(), 1, compacted));
    }
}
