package dev.millrace.change;

/// One record of a target topic: a change to apply to the target, in the order of its partition.
/// Immutable.
public sealed interface TargetChange {

    Token token();

    /// Writes the row with this key. Unchanged cells keep the target's values. The row's table is
    /// the target table; its schema's key is the target key.
    record Upsert(Token token, Row row) implements TargetChange {}

    /// Deletes the row with this key. The row's schema contains only the key columns.
    record Delete(Token token, Row row) implements TargetChange {}

    /// A change that cannot be mapped. `sourceKey` is the key of the source row; `reason` contains
    /// no value of the row.
    record Rejected(Token token, TableId target, RowKey sourceKey, String reason)
            implements TargetChange {}

    /// Truncates the target table after every partition has reached this `id`.
    record Truncate(Token token, TableId target, long id) implements TargetChange {}

    record Watermark(Token token, WatermarkNumber watermark) implements TargetChange {}
}
