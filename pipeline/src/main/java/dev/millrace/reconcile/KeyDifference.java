package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The comparison of two images of one key, cell by cell. Immutable.
sealed interface KeyDifference {

    record Same() implements KeyDifference {}

    /// The known cells are equal, and some cells are unknown.
    record Inconclusive() implements KeyDifference {}

    record Found(Kind kind, List<String> columns) implements KeyDifference {}

    /// @param expected the row that the target should contain, possibly with unchanged cells;
    ///   `null` for none
    /// @param actual the target's row; `null` for none
    static KeyDifference between(@Nullable Row expected, @Nullable Row actual) {
        if (expected == null) {
            return actual == null ? new Same() : new Found(Kind.EXTRA, List.of());
        }
        if (actual == null) {
            return new Found(Kind.MISSING, List.of());
        }
        List<String> columns = new ArrayList<>();
        for (int i = 0; i < actual.schema().size(); i++) {
            if (!expected.isUnchanged(i) && !Objects.equals(expected.text(i), actual.text(i))) {
                columns.add(actual.schema().columns().get(i));
            }
        }
        if (!columns.isEmpty()) {
            return new Found(Kind.DIFFERENT, columns);
        }
        return expected.isPartial() ? new Inconclusive() : new Same();
    }
}
