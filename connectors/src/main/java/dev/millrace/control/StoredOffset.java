package dev.millrace.control;

import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;

/// The stored offset of one partition of a target topic: every change up to and including `token`
/// is in the rows of the target.
///
/// @param nextOffset the first record that contains a later change
/// @param total number of source changes of the partition since the generation began, up to and
///   including `token`
public record StoredOffset(
        int partition,
        String topicId,
        long nextOffset,
        Token token,
        WatermarkNumber watermark,
        long total) {

    public StoredOffset {
        if (token.generation() != watermark.generation()) {
            throw new IllegalArgumentException(
                    "Partition %d has a token of generation %d and a watermark of generation %d."
                            .formatted(partition, token.generation(), watermark.generation()));
        }
    }

    public int generation() {
        return token.generation();
    }

    /// Whether both are the same position in the log, and therefore describe the same rows. A
    /// commit whose outcome was unknown is recognised by this.
    public boolean isAt(StoredOffset other) {
        return generation() == other.generation()
                && topicId.equals(other.topicId)
                && nextOffset == other.nextOffset
                && token.equals(other.token);
    }
}
