package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.control.StoredOffset;
import java.util.List;

/// Judges whether the stored offsets belong to the topic that is there. Pure.
final class StartCheck {

    private StartCheck() {}

    /// @throws IllegalStateException when going on would lose or repeat something
    static void check(ApplierSettings settings, TargetTopic topic, List<StoredOffset> stored) {
        if (stored.isEmpty()) {
            throw new ApplierFailure(
                    "the target has no stored offsets of migration "
                            + settings.migration()
                            + "; its generation was never begun, or the schema millrace was removed");
        }
        if (stored.size() != topic.partitions()) {
            throw new ApplierFailure(
                    "topic %s has %d partitions, the target stored the offsets of %d; partitions are fixed for a migration's life"
                            .formatted(topic.name(), topic.partitions(), stored.size()));
        }
        for (int partition = 0; partition < stored.size(); partition++) {
            StoredOffset offset = stored.get(partition);
            if (offset.partition() != partition) {
                throw new ApplierFailure(
                        "the target has no stored offset of partition %d of topic %s"
                                .formatted(partition, topic.name()));
            }
            if (offset.generation() != settings.generation()) {
                throw new ApplierFailure(
                        "the target is at generation %d, this applier at %d; another process began a generation"
                                .formatted(offset.generation(), settings.generation()));
            }
            if (!offset.topicId().equals(topic.id())) {
                throw new ApplierFailure(
                        "topic %s was made anew (id %s, the stored offsets are of %s); its rows must be backfilled again"
                                .formatted(topic.name(), topic.id(), offset.topicId()));
            }
        }
    }
}
