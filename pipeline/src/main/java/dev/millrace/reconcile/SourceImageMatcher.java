package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.mapping.RowMapper;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.reconcile.KeyHistories.KeyImage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Searches the images that the log and the mapping give of a key for the row that the user's
/// SELECT gave. Without this, a wrong mapping, which also wrote the target, would confirm itself.
/// Not thread-safe; confined to the reconciliation's thread.
final class SourceImageMatcher {

    /// Bytes of images that wait for their comparison. Each change of a key adds a whole image.
    static final long MOST_BYTES = 8L << 20;

    private final SourceRows read;
    private final RowMapper mapper;
    private final UnaryOperator<List<Row>> canonical;
    private final Set<RowKey> matched = new HashSet<>();
    private final Set<RowKey> partlyMatched = new HashSet<>();
    private final List<Image> added = new ArrayList<>();
    private long addedBytes;

    private record Image(RowKey key, Row mapped) {}

    /// @param canonical converts mapped rows to the text form of the target's columns
    SourceImageMatcher(SourceRows read, RowMapper mapper, UnaryOperator<List<Row>> canonical) {
        this.read = read;
        this.mapper = mapper;
        this.canonical = canonical;
    }

    /// True when the log contains an image of the key that equals what the SELECT gave.
    boolean isMatched(RowKey key) {
        return matched.contains(key);
    }

    /// True also when such an image lacks cells that its changes did not contain.
    boolean isPartlyMatched(RowKey key) {
        return matched.contains(key) || partlyMatched.contains(key);
    }

    /// Adds a change of the key and the image after it, for the next [#matchAdded].
    void add(RowKey key, ChangeEvent change, KeyImage after) {
        if (matched.contains(key) || !read.isKnown(key)) {
            return;
        }
        // Only an absent row can be inserted.
        if (change instanceof ChangeEvent.Insert && matchAbsence(key)) {
            return;
        }
        switch (after) {
            case KeyImage.Unknown _, KeyImage.Dropped _ -> {}
            case KeyImage.Deleted _ -> matchAbsence(key);
            case KeyImage.Present(Row source) -> {
                switch (mapper.map(source)) {
                    case MappedRow.Upsert(Row row) -> add(new Image(key, row));
                    case MappedRow.Delete _ -> matchAbsence(key);
                    case MappedRow.Incomplete _, MappedRow.Rejected _ -> {}
                }
            }
        }
    }

    private void add(Image image) {
        added.add(image);
        addedBytes += image.mapped().size();
        if (addedBytes > MOST_BYTES) {
            matchAdded();
        }
    }

    private boolean matchAbsence(RowKey key) {
        return read.isAbsent(key) && matched.add(key);
    }

    /// Compares the images that were added since the last call.
    void matchAdded() {
        List<Row> texts = canonical.apply(added.stream().map(Image::mapped).toList());
        for (int i = 0; i < texts.size(); i++) {
            RowKey key = added.get(i).key();
            @Nullable Row expected = read.rows().get(key);
            if (expected != null) {
                switch (KeyDifference.between(texts.get(i), expected)) {
                    case KeyDifference.Same() -> matched.add(key);
                    case KeyDifference.Inconclusive() -> partlyMatched.add(key);
                    case KeyDifference.Found _ -> {}
                }
            }
        }
        added.clear();
        addedBytes = 0;
    }
}
