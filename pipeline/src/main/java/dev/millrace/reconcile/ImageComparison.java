package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.mapping.RowMapper;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.reconcile.KeyHistories.KeyHistory;
import dev.millrace.reconcile.KeyHistories.KeyImage;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Compares the target's row of a key with the row that the key's last stored change in the log
/// gives. Pure.
///
/// @param canonical converts a mapped row to the text form of the target's columns
record ImageComparison(RowMapper mapper, UnaryOperator<Row> canonical) {

    sealed interface Decision {
        record Same() implements Decision {}

        record Different(KeyDifference.Found found) implements Decision {}

        record Inconclusive(String why) implements Decision {}
    }

    Decision decide(KeyHistory history, @Nullable Row target) {
        return decide(history.image(), target);
    }

    private Decision decide(KeyImage image, @Nullable Row target) {
        return switch (image) {
            case KeyImage.Unknown() ->
                    new Decision.Inconclusive("the log no longer contains its last change");
            case KeyImage.Dropped() ->
                    new Decision.Inconclusive("its row in the log does not fit into memory");
            case KeyImage.Deleted() -> decision(KeyDifference.between(null, target));
            case KeyImage.Present(Row source) ->
                    switch (mapper.map(source)) {
                        case MappedRow.Upsert(Row row) ->
                                decision(KeyDifference.between(canonical.apply(row), target));
                        case MappedRow.Delete _ -> decision(KeyDifference.between(null, target));
                        case MappedRow.Incomplete(String reason) -> unmapped(reason);
                        case MappedRow.Rejected(String reason) -> unmapped(reason);
                    };
        };
    }

    private static Decision unmapped(String reason) {
        return new Decision.Inconclusive("its last change cannot be mapped: " + reason);
    }

    private static Decision decision(KeyDifference difference) {
        return switch (difference) {
            case KeyDifference.Same() -> new Decision.Same();
            case KeyDifference.Found found -> new Decision.Different(found);
            case KeyDifference.Inconclusive() ->
                    new Decision.Inconclusive(
                            "the log contains only part of its row, and this part is equal");
        };
    }
}
