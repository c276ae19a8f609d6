package dev.millrace.change;

/// One record of a target topic: what is to be done to the target, in the order of its partition.
public sealed interface TargetChange {

    Token token();

    /// Make the row of this key be this row. Unchanged cells keep what the target has. The row's
    /// table is the target table, its schema's key the target key.
    record Upsert(Token token, Row row) implements TargetChange {}

    /// No row of this key may be there. The row's schema holds the key's columns alone.
    record Delete(Token token, Row row) implements TargetChange {}

    /// This change can't be mapped. `sourceKey` is the key of the source row; `reason` says what
    /// and why and holds no value of the row.
    record Rejected(Token token, TableId target, RowKey sourceKey, String reason)
            implements TargetChange {}

    /// Empty the target table, once every partition has come to this `id`.
    record Truncate(Token token, TableId target, long id) implements TargetChange {}

    record Watermark(Token token, WatermarkNumber watermark) implements TargetChange {}
}
