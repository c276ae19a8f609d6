package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.control.StoredOffset;
import java.util.List;

/// Checks that the stored offsets belong to the topic that the broker has. Pure.
final class StartCheck {

    private StartCheck() {}

    /// @throws ApplierFailure when continuing would lose or repeat changes
    static void check(
            ApplierSettings settings, TargetTopic.Description found, List<StoredOffset> stored) {
        String topic = settings.topic().name();
        if (stored.isEmpty()) {
            throw new ApplierFailure(
                    "The target has no stored offsets of migration %s: its generation has not begun, or the schema millrace was removed."
                            .formatted(settings.migration()));
        }
        if (found.partitions() != settings.topic().partitions()
                || stored.size() != found.partitions()) {
            throw new ApplierFailure(
                    "Topic %s has %d partitions, but the target has stored offsets of %d and the file says %d. The number of partitions of a migration cannot change."
                            .formatted(
                                    topic,
                                    found.partitions(),
                                    stored.size(),
                                    settings.topic().partitions()));
        }
        for (int partition = 0; partition < stored.size(); partition++) {
            check(settings, found, partition, stored.get(partition));
        }
    }

    private static void check(
            ApplierSettings settings,
            TargetTopic.Description found,
            int partition,
            StoredOffset offset) {
        String topic = settings.topic().name();
        if (offset.partition() != partition) {
            throw new ApplierFailure(
                    "The target has no stored offset of partition %d of topic %s."
                            .formatted(partition, topic));
        }
        if (offset.generation() != settings.generation()) {
            throw new ApplierFailure(
                    "The target is at generation %d, this applier at %d: another process began a generation."
                            .formatted(offset.generation(), settings.generation()));
        }
        if (!offset.topicId().equals(found.id())) {
            throw new ApplierFailure(
                    "Topic %s was created again (id %s, the stored offsets belong to %s). Its tables must be backfilled again."
                            .formatted(topic, found.id(), offset.topicId()));
        }
    }
}
