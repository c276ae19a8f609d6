package dev.millrace.target;

/// Something that a writer does in one transaction on the target, again and again until it has an
/// outcome.
sealed interface TargetTask permits PartitionBatch, TruncateHold, TargetTask.ReadOffsets {

    record ReadOffsets() implements TargetTask {}
}
