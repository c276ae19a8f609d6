package dev.millrace.retention;

import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.control.StoredOffset;
import dev.millrace.kafka.Broker.Topic;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// What may be deleted from the log: only what is old *and* what every reader has passed, by
/// partition. Whatever is unknown, or belongs to another generation or topic, keeps everything.
/// Pure.
sealed interface Deletable {

    /// The first offset to keep, by partition. Partitions without old records are absent.
    record Before(Map<Integer, Long> changes, Map<Integer, Long> target) implements Deletable {

        public Before {
            changes = Map.copyOf(changes);
            target = Map.copyOf(target);
        }
    }

    /// @param reason for the operator
    record Nothing(String reason) implements Deletable {}

    /// How far the readers of both topics are.
    ///
    /// @param latest the generation that the control schema has
    /// @param committed offsets of the mappings in the changes topic
    /// @param stored offsets of apply
    /// @param missed first offsets of the target topic that stopped tables need
    /// @param needed first offsets of the changes topic that other readers need
    record Readers(
            Optional<Generation> latest,
            Map<Integer, Long> committed,
            List<StoredOffset> stored,
            Map<Integer, Long> missed,
            List<Map<Integer, Long>> needed) {

        public Readers {
            missed = Map.copyOf(missed);
            committed = Map.copyOf(committed);
            stored = List.copyOf(stored);
            needed = List.copyOf(needed);
        }
    }

    /// One topic as Kafka has it.
    ///
    /// @param begins the first offset of each partition
    /// @param young the offset of each partition's first record that is not old; the end if all are
    ///   old
    record Found(Optional<Topic> topic, Map<Integer, Long> begins, Map<Integer, Long> young) {

        public Found {
            begins = Map.copyOf(begins);
            young = Map.copyOf(young);
        }
    }

    /// @param generation the one that this process runs
    static Deletable of(int generation, Found changes, Found target, Readers readers) {
        Optional<String> unknown =
                readers.latest()
                        .filter(latest -> latest.number() == generation)
                        .map(latest -> unknown(latest, changes, target, readers))
                        .orElseGet(
                                () -> Optional.of("the target is not at generation " + generation));
        if (unknown.isPresent()) {
            return new Nothing(unknown.get());
        }
        Map<Integer, Long> deletedChanges = new HashMap<>();
        Map<Integer, Long> deletedTarget = new HashMap<>();
        for (StoredOffset stored : readers.stored()) {
            int partition = stored.partition();
            // The block at the token's offset may be applied in part.
            long bound =
                    Math.min(
                            stored.token().changesOffset(),
                            readers.committed().getOrDefault(partition, 0L));
            for (Map<Integer, Long> needed : readers.needed()) {
                bound = Math.min(bound, needed.getOrDefault(partition, 0L));
            }
            before(changes, partition, bound)
                    .ifPresent(offset -> deletedChanges.put(partition, offset));
            long applied =
                    Math.min(
                            stored.nextOffset(),
                            readers.missed().getOrDefault(partition, Long.MAX_VALUE));
            before(target, partition, applied)
                    .ifPresent(offset -> deletedTarget.put(partition, offset));
        }
        return new Before(deletedChanges, deletedTarget);
    }

    private static Optional<Long> before(Found topic, int partition, long bound) {
        long offset = Math.min(bound, topic.young().getOrDefault(partition, 0L));
        return Optional.of(offset)
                .filter(before -> before > topic.begins().getOrDefault(partition, 0L));
    }

    /// Why a position is not certain, if one is not.
    private static Optional<String> unknown(
            Generation latest, Found changes, Found target, Readers readers) {
        if (!isTopic(changes, latest.changesTopicId())
                || !isTopic(target, latest.targetTopicId())) {
            return Optional.of("a topic of the log does not exist, or was recreated");
        }
        Map<Integer, StoredOffset> stored = new TreeMap<>();
        readers.stored().forEach(offset -> stored.put(offset.partition(), offset));
        for (int partition = 0; partition < latest.partitions(); partition++) {
            StoredOffset offset = stored.remove(partition);
            if (offset == null) {
                return Optional.of("the target has no stored offset of partition " + partition);
            }
            if (offset.generation() != latest.number()
                    || !offset.topicId().equals(latest.targetTopicId())) {
                return Optional.of(
                        "the stored offset of partition "
                                + partition
                                + " belongs to another generation or topic");
            }
            if (!readers.committed().containsKey(partition)) {
                return Optional.of(
                        "the mappings' consumer group has no committed offset of partition "
                                + partition
                                + ". Restart Millrace, which restores it");
            }
        }
        return stored.isEmpty()
                ? Optional.empty()
                : Optional.of("the target has stored offsets of unknown partitions");
    }

    private static boolean isTopic(Found found, String id) {
        return found.topic().filter(topic -> topic.id().equals(id)).isPresent();
    }
}
