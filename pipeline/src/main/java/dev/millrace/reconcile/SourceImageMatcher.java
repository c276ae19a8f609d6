package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.mapping.RowMapper;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.reconcile.KeyChangeReader.KeyImage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Looks for what the user's SELECT gave among the images that the log and our mapping give of the
/// same key. Without it a wrong mapping, which wrote the target too, would prove itself right. One
/// thread.
final class SourceImageMatcher {

    private final SourceRows read;
    private final RowMapper mapper;
    private final UnaryOperator<List<Row>> canonical;
    private final Set<RowKey> borneOut = new HashSet<>();
    private final Set<RowKey> borneOutInPart = new HashSet<>();
    private final List<Image> rows = new ArrayList<>();

    private record Image(RowKey key, Row mapped) {}

    /// @param canonical mapped rows in the target columns' own texts
    SourceImageMatcher(SourceRows read, RowMapper mapper, UnaryOperator<List<Row>> canonical) {
        this.read = read;
        this.mapper = mapper;
        this.canonical = canonical;
    }

    /// True when the log has an image of the key that is what the SELECT gave.
    boolean bearsOut(RowKey key) {
        return borneOut.contains(key);
    }

    /// True also when such an image lacks cells that its changes left alone.
    boolean bearsOutInPart(RowKey key) {
        return borneOut.contains(key) || borneOutInPart.contains(key);
    }

    /// Takes a change of the key and the image behind it; it is weighed with the next others.
    void take(RowKey key, ChangeEvent change, KeyImage after) {
        if (borneOut.contains(key) || !read.isKnown(key)) {
            return;
        }
        // Only what isn't there can be inserted.
        if (change instanceof ChangeEvent.Insert && weighAbsence(key)) {
            return;
        }
        switch (after) {
            case KeyImage.Unseen _ -> {}
            case KeyImage.Gone _ -> weighAbsence(key);
            case KeyImage.Present(Row source) -> {
                switch (mapper.map(source)) {
                    case MappedRow.Upsert(Row row) -> rows.add(new Image(key, row));
                    case MappedRow.Delete _ -> weighAbsence(key);
                    case MappedRow.Rejected _ -> {}
                }
            }
        }
    }

    private boolean weighAbsence(RowKey key) {
        return read.isAbsent(key) && borneOut.add(key);
    }

    /// Weighs what was taken since the last call.
    void weigh() {
        List<Row> texts = canonical.apply(rows.stream().map(Image::mapped).toList());
        for (int i = 0; i < texts.size(); i++) {
            RowKey key = rows.get(i).key();
            @Nullable Row expected = read.rows().get(key);
            if (expected != null) {
                switch (KeyDifference.between(texts.get(i), expected)) {
                    case KeyDifference.Same() -> borneOut.add(key);
                    case KeyDifference.Open() -> borneOutInPart.add(key);
                    case KeyDifference.Found _ -> {}
                }
            }
        }
        rows.clear();
    }
}
