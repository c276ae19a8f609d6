package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.mapping.RowMapper;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.reconcile.KeyChangeReader.KeyHistory;
import dev.millrace.reconcile.KeyChangeReader.KeyImage;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Decides a key by its image in the log: what its last change that the target had stored makes of
/// it, against the target's row. Pure.
///
/// @param canonical a mapped row in the target columns' own texts
record LogJudgement(RowMapper mapper, UnaryOperator<Row> canonical) {

    sealed interface Decision {
        record Same() implements Decision {}

        record Different(KeyDifference.Found found) implements Decision {}

        record Open(String why) implements Decision {}
    }

    /// @param stored the offset of the stored token: the change at it may have been applied in part
    Decision decide(KeyHistory history, long stored, @Nullable Row target) {
        Decision after = decide(history.image(), target);
        if (history.last() != stored || after instanceof Decision.Same) {
            return after;
        }
        return decide(history.before(), target) instanceof Decision.Same same
                ? same
                : new Decision.Open("its last change was just being applied");
    }

    private Decision decide(KeyImage image, @Nullable Row target) {
        return switch (image) {
            case KeyImage.Unseen() -> new Decision.Open("the log no longer holds its last change");
            case KeyImage.Gone() -> judged(KeyDifference.between(null, target));
            case KeyImage.Present(Row source) ->
                    switch (mapper.map(source)) {
                        case MappedRow.Upsert(Row row) ->
                                judged(KeyDifference.between(canonical.apply(row), target));
                        case MappedRow.Delete _ -> judged(KeyDifference.between(null, target));
                        case MappedRow.Rejected(String reason) ->
                                new Decision.Open("its last change can't be mapped: " + reason);
                    };
        };
    }

    private static Decision judged(KeyDifference difference) {
        return switch (difference) {
            case KeyDifference.Same() -> new Decision.Same();
            case KeyDifference.Found found -> new Decision.Different(found);
            case KeyDifference.Open() ->
                    new Decision.Open("the log holds only part of its row, and that part agrees");
        };
    }
}
