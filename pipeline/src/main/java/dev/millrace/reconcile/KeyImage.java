package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.log.Logged;
import org.jspecify.annotations.Nullable;

/// What the log says of one source key as far as it was read: folded from its changes in order.
/// Pure.
sealed interface KeyImage {

    record Unseen() implements KeyImage {}

    /// @param source the row after its last change, unchanged cells filled from older ones where
    ///   the log that was read holds them
    record Present(Row source) implements KeyImage {}

    record Gone() implements KeyImage {}

    static KeyImage after(KeyImage before, Logged<ChangeEvent> change) {
        return switch (change.content()) {
            case ChangeEvent.Read read -> new Present(read.row());
            case ChangeEvent.Insert insert -> new Present(insert.row());
            case ChangeEvent.Update update -> new Present(laidOver(before, update.row()));
            case ChangeEvent.Delete _, ChangeEvent.Truncate _ -> new Gone();
            case ChangeEvent.Watermark _ -> before;
        };
    }

    /// True when nothing more can be learned from an older part of the log.
    default boolean isWhole() {
        return switch (this) {
            case Unseen _ -> false;
            case Present(Row source) -> !source.isPartial();
            case Gone _ -> true;
        };
    }

    private static Row laidOver(KeyImage before, Row row) {
        @Nullable Row older = before instanceof Present(Row source) ? source : null;
        return older != null && older.shape().equals(row.shape()) ? row.over(older) : row;
    }
}
