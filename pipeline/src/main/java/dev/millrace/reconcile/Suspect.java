package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A key that may differ, with the row sums that were read last on both sides. Immutable.
public record Suspect(RowKey key, RowSum source, RowSum target) {

    public static Suspect of(RowKey key, Map<RowKey, RowSum> source, Map<RowKey, RowSum> target) {
        return new Suspect(
                key, source.getOrDefault(key, RowSum.NONE), target.getOrDefault(key, RowSum.NONE));
    }

    public boolean isEqual() {
        return source.equals(target);
    }

    /// True when a report can show the source's cells: the key has at most one row on each side.
    boolean needsSourceCells() {
        return source.rows() == 1 && target.rows() <= 1;
    }

    /// True when a report can show the target's cells.
    boolean needsTargetCells() {
        return target.rows() == 1 && source.rows() <= 1;
    }

    /// True when the cells are needed to find the columns that differ.
    private boolean needsBoth() {
        return source.rows() == 1 && target.rows() == 1;
    }

    /// The difference, with the differing columns where the cells are known.
    KeyDifference.Found found(@Nullable Row expected, @Nullable Row actual) {
        return needsBoth()
                        && expected != null
                        && actual != null
                        && KeyDifference.between(expected, actual)
                                instanceof KeyDifference.Found found
                ? found
                : withoutColumns();
    }

    /// The difference as far as it is known without the cells.
    private KeyDifference.Found withoutColumns() {
        Kind kind =
                source.rows() == 0
                        ? Kind.EXTRA
                        : target.rows() == 0 ? Kind.MISSING : Kind.DIFFERENT;
        return new KeyDifference.Found(kind, List.of());
    }
}
