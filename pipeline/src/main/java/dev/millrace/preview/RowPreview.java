package dev.millrace.preview;

import dev.millrace.replication.RefusedException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Rows of the source with what becomes of them on the target. Thread-safe.
@FunctionalInterface
public interface RowPreview {

    /// Of a migration that has ended, or whose tables are not known.
    RowPreview NONE =
            _ -> {
                throw new RefusedException("This migration has no rows to show");
            };

    /// Some rows, of each SELECT of the target table.
    ///
    /// @param target as `schema.name`
    /// @throws dev.millrace.stream.KnownTables.UnknownTableException if the migration has no such
    ///   table
    /// @throws RefusedException if they cannot be shown, with the reason
    List<Sample> of(String target);

    /// One row. Contains values, because a person asked for them; never for logs.
    ///
    /// @param source the source table
    /// @param before the columns that the SELECT reads
    /// @param after the row on the target; empty if there is none
    /// @param reason why there is none; empty if there is one
    record Sample(String source, List<Cell> before, List<Cell> after, String reason) {

        public Sample {
            before = List.copyOf(before);
            after = List.copyOf(after);
        }

        /// Names no value.
        @Override
        public String toString() {
            return "a sample row of " + source;
        }
    }

    /// @param value a hash if the column is sensitive, and cut if it is long; `null` is NULL
    record Cell(String column, @Nullable String value) {

        /// Names no value.
        @Override
        public String toString() {
            return column;
        }
    }
}
