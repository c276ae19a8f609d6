package dev.millrace.control;

import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import java.util.List;
import java.util.Optional;

/// The stored offsets of all partitions of one target topic as one snapshot saw them, by partition.
///
/// @param rowsApplied changes applied in this generation
public record AppliedOffsets(List<StoredOffset> partitions, long rowsApplied) {

    public AppliedOffsets {
        partitions = List.copyOf(partitions);
    }

    /// Whether anything of the log was applied since the generation began.
    public boolean moved() {
        return partitions.stream()
                .anyMatch(
                        offset ->
                                !offset.token().equals(Token.none(offset.generation()))
                                        || offset.watermark()
                                                        .compareTo(
                                                                WatermarkNumber.none(
                                                                        offset.generation()))
                                                > 0);
    }

    /// The watermark that every partition has stored: what lies before it is in the rows of this
    /// snapshot. Empty when no generation has begun, or when the partitions don't agree on which.
    public Optional<WatermarkNumber> appliedWatermark() {
        boolean oneGeneration =
                partitions.stream().map(StoredOffset::generation).distinct().count() == 1;
        return oneGeneration
                ? partitions.stream().map(StoredOffset::watermark).min(WatermarkNumber::compareTo)
                : Optional.empty();
    }
}
