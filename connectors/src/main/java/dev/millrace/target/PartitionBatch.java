package dev.millrace.target;

import dev.millrace.change.TargetChange;
import java.util.List;

/// Consecutive changes of one partition that are applied in one transaction, which takes the stored
/// offset from `from` to `to`. Holds no truncate.
record PartitionBatch(StoredOffset from, StoredOffset to, List<TargetChange> changes)
        implements TargetTask {

    PartitionBatch {
        changes = List.copyOf(changes);
    }

    int partition() {
        return from.partition();
    }

    /// True when there is an offset to move and nothing to write.
    boolean onlyMoves() {
        return changes.stream().allMatch(TargetChange.Watermark.class::isInstance);
    }
}
