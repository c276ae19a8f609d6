package dev.millrace.mapping;

import dev.millrace.change.Row;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Maps source rows to target rows by a compiled SELECT. Pure; thread-safe. A source row may have
/// any schema that contains the used columns; a row without one of them is rejected by name.
public interface RowMapper {

    /// Maps an existing source row.
    MappedRow map(Row source);

    /// The target key of a deleted source row, as a row of the key columns. Reads only the key
    /// columns of the source row.
    Row key(Row source);

    /// Whether the mapping concerns the row, which its key alone decides: a row of another key has
    /// no place in the target, and its changes have no output. Reads only the key columns of the
    /// row; [#key] of a row that it does not concern may be the key of another row.
    default boolean concerns(Row source) {
        return true;
    }

    /// Whether some rows are not in the target.
    default boolean isFiltered() {
        return false;
    }

    /// Whether the SELECT gives one row for each row of the source table. False if this is not
    /// known.
    default boolean takesEveryRow() {
        return false;
    }

    /// The target columns whose value is the value of one source column, each with that column: it
    /// is copied, or an integer that is cast to another integer type or to numeric. Empty if this
    /// is not known.
    default Map<String, String> copies() {
        return Map.of();
    }

    /// The source columns that the mapping reads; empty if that is not known.
    default Optional<Set<String>> reads() {
        return Optional.empty();
    }

    /// How the key of a source row follows from the key of its row in the target. Empty if this is
    /// not known.
    default Optional<KeyOrigin> keyOrigin() {
        return Optional.empty();
    }

    /// @param columns each column of the source key with the column of the target key that copies
    ///   it, or is a lossless cast of it
    /// @param constants columns of the target key that have the same text in all rows of the
    ///   mapping, with this text
    record KeyOrigin(Map<String, String> columns, Map<String, String> constants) {

        public KeyOrigin {
            columns = Map.copyOf(columns);
            constants = Map.copyOf(constants);
        }
    }

    sealed interface MappedRow {

        /// The row is in the target. Copies of unchanged cells are unchanged.
        record Upsert(Row row) implements MappedRow {}

        /// The WHERE excludes the row: the target must not contain this key. The row contains the
        /// key columns.
        record Delete(Row key) implements MappedRow {}

        /// An expression or the WHERE needs a cell that is unchanged, so the row does not contain
        /// it. A complete row can be mapped.
        ///
        /// @param reason names the column
        record Incomplete(String reason) implements MappedRow {}

        /// The row cannot be mapped. The reason names columns and rules and contains no value of
        /// the row.
        record Rejected(String reason) implements MappedRow {}
    }
}
