package dev.millrace.chunk;

import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import java.util.Map;
import java.util.Set;

/// What each partition had stored in the snapshot in which the target was read: every change up to
/// the token's offset had been applied, the one at that offset perhaps in part, none behind it.
public record StoredPositions(Map<Integer, Position> partitions) {

    public StoredPositions {
        partitions = Map.copyOf(partitions);
    }

    /// True when every one of these partitions had stored the watermark or a later one.
    public boolean reach(Set<Integer> wanted, WatermarkNumber watermark) {
        return wanted.stream()
                .allMatch(
                        partition -> {
                            Position position = partitions.get(partition);
                            return position != null
                                    && position.watermark().generation() == watermark.generation()
                                    && position.watermark().compareTo(watermark) >= 0;
                        });
    }

    public record Position(Token token, WatermarkNumber watermark) {}
}
