package dev.millrace.reconcile;

import dev.millrace.change.RowKey;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import java.util.List;
import java.util.Map;

/// A key that may differ, with the row sums that were read last on both sides. Immutable.
public record Suspect(RowKey key, RowSum source, RowSum target) {

    public static Suspect of(RowKey key, Map<RowKey, RowSum> source, Map<RowKey, RowSum> target) {
        return new Suspect(
                key, source.getOrDefault(key, RowSum.NONE), target.getOrDefault(key, RowSum.NONE));
    }

    public boolean isEqual() {
        return source.equals(target);
    }

    /// True when the cells are needed to find the columns that differ.
    boolean needsCells() {
        return source.rows() == 1 && target.rows() == 1;
    }

    /// The difference as far as it is known without the cells.
    KeyDifference.Found withoutColumns() {
        Kind kind =
                source.rows() == 0
                        ? Kind.EXTRA
                        : target.rows() == 0 ? Kind.MISSING : Kind.DIFFERENT;
        return new KeyDifference.Found(kind, List.of());
    }
}
