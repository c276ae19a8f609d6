package dev.millrace.spec.source;

import dev.millrace.change.TableId;
import java.util.Map;

/// What a TRUNCATE of a source table does to its target tables. Immutable.
///
/// @param standard for every table that is not in `tables`
/// @param tables by target table
public record TruncateSetting(Truncate standard, Map<TableId, Truncate> tables) {

    /// What applies where the file sets nothing.
    public static final TruncateSetting STANDARD = new TruncateSetting(Truncate.APPLY, Map.of());

    /// What a TRUNCATE of a source table does to a target table.
    public enum Truncate {
        /// The rows that come from the source table are deleted.
        APPLY,

        /// The table is stopped and keeps its rows.
        REFUSE
    }

    public TruncateSetting {
        tables = Map.copyOf(tables);
    }

    public boolean refuses(TableId target) {
        return tables.getOrDefault(target, standard) == Truncate.REFUSE;
    }
}
