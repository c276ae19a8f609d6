package dev.millrace.control;

import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;

/// Where one partition of the target topic goes on, as the target database has it: everything
/// before `nextOffset` is in the rows, up to and with `token`.
public record StoredOffset(
        int partition, String topicId, long nextOffset, Token token, WatermarkNumber watermark) {

    public StoredOffset {
        if (token.generation() != watermark.generation()) {
            throw new IllegalArgumentException(
                    "partition "
                            + partition
                            + " has a token of generation "
                            + token.generation()
                            + " and a watermark of "
                            + watermark.generation());
        }
    }

    public int generation() {
        return token.generation();
    }

    /// The same place in the log, so the same rows: what a settled commit is recognised by.
    public boolean isAt(StoredOffset other) {
        return generation() == other.generation()
                && topicId.equals(other.topicId)
                && nextOffset == other.nextOffset
                && token.equals(other.token);
    }
}
