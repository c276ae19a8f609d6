package dev.millrace.control;

import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// The stored offsets of all partitions of one target topic in one snapshot, ordered by partition.
/// Immutable.
///
/// @param passed by partition, the last watermark that it has passed; a later one than the stored
///   one while a change before it is held
/// @param rowsApplied changes applied in this generation
public record AppliedOffsets(
        List<StoredOffset> partitions, Map<Integer, WatermarkNumber> passed, long rowsApplied) {

    /// Nothing is known.
    public static final AppliedOffsets NONE = new AppliedOffsets(List.of(), Map.of(), 0);

    public AppliedOffsets {
        partitions = List.copyOf(partitions);
        passed = Map.copyOf(passed);
    }

    /// The generation that all partitions have. Empty when none has begun, or when the partitions
    /// have different ones.
    public OptionalInt generation() {
        List<Integer> generations =
                partitions.stream().map(StoredOffset::generation).distinct().toList();
        return generations.size() == 1
                ? OptionalInt.of(generations.getFirst())
                : OptionalInt.empty();
    }

    /// Whether any record was applied since the generation began.
    public boolean moved() {
        return partitions.stream().anyMatch(AppliedOffsets::moved);
    }

    private static boolean moved(StoredOffset offset) {
        int generation = offset.generation();
        return !offset.token().equals(Token.none(generation))
                || offset.watermark().compareTo(WatermarkNumber.none(generation)) > 0;
    }

    /// The watermark that every partition has stored: all changes before it are in the rows of this
    /// snapshot. Empty when there is no [#generation].
    public Optional<WatermarkNumber> appliedWatermark() {
        return generation().isPresent()
                ? partitions.stream().map(StoredOffset::watermark).min(WatermarkNumber::compareTo)
                : Optional.empty();
    }
}
