package dev.millrace.mapping;

import dev.millrace.change.Row;

/// The compiled SELECT of one mapping. Pure; safe for any thread. Source rows may have any schema
/// that holds the columns in use; a schema that lacks one is refused by name.
public interface RowMapper {

    /// What a row that is there now means for the target.
    MappedRow map(Row source);

    /// The target key of a source row that is gone, as a row of the key's columns alone. Reads only
    /// key columns of the source row.
    Row key(Row source);

    sealed interface MappedRow {

        /// The row belongs in the target. Cells that are copies of unchanged cells are unchanged.
        record Upsert(Row row) implements MappedRow {}

        /// The row is outside the WHERE: no target row of this key may be there. The row holds the
        /// key's columns.
        record Delete(Row key) implements MappedRow {}

        /// The row can't be mapped. The reason names columns and rules and holds no value of the
        /// row.
        record Rejected(String reason) implements MappedRow {}
    }
}
