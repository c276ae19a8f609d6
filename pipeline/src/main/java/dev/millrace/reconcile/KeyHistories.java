package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.kafka.ChangeLog.Logged;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What the log contains about some keys. All images together have a limit in bytes: an image that
/// would exceed it is dropped, and nothing is known about its key. Not thread-safe.
final class KeyHistories {

    private final Map<RowKey, KeyHistory> histories = new HashMap<>();
    private final Set<Long> hidden;
    private final long maxBytes;
    private Set<RowKey> read;
    private long bytes;

    /// @param hidden transactions that were not visible on the source
    /// @param maxBytes of the cells of all images
    KeyHistories(Set<RowKey> keys, Set<Long> hidden, long maxBytes) {
        this.read = Set.copyOf(keys);
        this.hidden = hidden;
        this.maxBytes = maxBytes;
    }

    /// Forgets the histories of these keys, which are read again. The others remain as they are.
    void readAgain(Set<RowKey> keys) {
        for (RowKey key : keys) {
            bytes -= of(key).image().bytes();
            histories.remove(key);
        }
        read = Set.copyOf(keys);
    }

    boolean isRead(RowKey key) {
        return read.contains(key);
    }

    /// The keys that are read and whose last change is in this partition.
    List<RowKey> ofPartition(int partition) {
        return read.stream().filter(key -> of(key).partition() == partition).toList();
    }

    KeyHistory of(RowKey key) {
        return histories.getOrDefault(key, KeyHistory.NONE);
    }

    /// Adds a change of a key that is read.
    ///
    /// @return the image after it
    KeyImage add(RowKey key, Logged<ChangeEvent> change) {
        KeyHistory before = of(key);
        KeyHistory after = before.after(change, hidden);
        bytes += after.image().bytes() - before.image().bytes();
        if (bytes > maxBytes) {
            bytes -= after.image().bytes();
            after = after.withoutImage();
        }
        histories.put(key, after);
        return after.image();
    }

    /// What a range of the log contains about one key.
    ///
    /// @param image the image after the last change
    /// @param partition of the last change, -1 for none
    /// @param byHidden whether a change belongs to a transaction that was not visible on the source
    record KeyHistory(KeyImage image, int partition, boolean byHidden) {

        static final KeyHistory NONE = new KeyHistory(new KeyImage.Unknown(), -1, false);

        KeyHistory after(Logged<ChangeEvent> change, Set<Long> hidden) {
            boolean isHidden =
                    change.content() instanceof ChangeEvent.OfRow row
                                    && row.origin().isOfOne(hidden)
                            || change.content() instanceof ChangeEvent.Truncate truncate
                                    && truncate.origin().isOfOne(hidden);
            return new KeyHistory(
                    KeyImage.after(image, change), change.partition(), byHidden || isHidden);
        }

        private KeyHistory withoutImage() {
            return new KeyHistory(new KeyImage.Dropped(), partition, byHidden);
        }

        boolean isDropped() {
            return image instanceof KeyImage.Dropped;
        }
    }

    /// The row of one source key, folded from its changes in the range of the log that was read.
    /// Immutable.
    sealed interface KeyImage {

        /// The range contains no change of the key.
        record Unknown() implements KeyImage {}

        /// The images of the keys exceeded the limit, or the row is too large for the log. No later
        /// change replaces it.
        record Dropped() implements KeyImage {}

        /// @param source the row after its last change; its unchanged cells are filled from older
        ///   changes of the range, where they contain them
        record Present(Row source) implements KeyImage {}

        record Deleted() implements KeyImage {}

        static KeyImage after(KeyImage before, Logged<ChangeEvent> change) {
            if (before instanceof Dropped) {
                return before;
            }
            return switch (change.content()) {
                case ChangeEvent.Read read -> new Present(read.row().detached());
                case ChangeEvent.Insert insert -> new Present(insert.row().detached());
                case ChangeEvent.Update update -> new Present(merged(before, update.row()));
                // Its cells are neither known nor those of older changes.
                case ChangeEvent.Oversized _ -> new Dropped();
                case ChangeEvent.Delete _, ChangeEvent.Truncate _ -> new Deleted();
                case ChangeEvent.BackfillComplete _, ChangeEvent.Watermark _ -> before;
            };
        }

        /// True when an older part of the log cannot add anything.
        default boolean isComplete() {
            return switch (this) {
                case Unknown _, Dropped _ -> false;
                case Present(Row source) -> !source.isPartial();
                case Deleted _ -> true;
            };
        }

        /// Bytes of the cells.
        private long bytes() {
            return this instanceof Present(Row source) ? source.size() : 0;
        }

        private static Row merged(KeyImage before, Row row) {
            @Nullable Row older = before instanceof Present(Row source) ? source : null;
            return older != null && older.schema().equals(row.schema())
                    ? row.over(older)
                    : row.detached();
        }
    }
}
