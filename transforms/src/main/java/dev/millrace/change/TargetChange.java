package dev.millrace.change;

import java.util.List;
import java.util.Optional;

/// A change to apply to the target, in the order of its partition. Immutable.
public sealed interface TargetChange {

    Token token();

    /// Writes the row with this key. Unchanged cells keep the target's values. The row's table is
    /// the target table; its schema's key is the target key.
    record Upsert(Token token, Row row) implements TargetChange {}

    /// Deletes the row with this key. The row's schema contains only the key columns.
    record Delete(Token token, Row row) implements TargetChange {}

    /// A change that cannot be mapped.
    ///
    /// @param mapping number of the SELECT among the SELECTs of the target table, from 0
    /// @param reason contains no value of the row
    /// @param targetKey a row of the target key's columns, empty if it cannot be computed
    /// @param image the source row
    record Rejected(
            Token token,
            TableId target,
            int mapping,
            String reason,
            Optional<Row> targetKey,
            Row image)
            implements TargetChange {

        /// The key of the source row.
        public RowKey sourceKey() {
            return image.key();
        }
    }

    /// Truncates the target tables after every partition has reached this `id`.
    record Truncate(Token token, List<TableId> targets, long id) implements TargetChange {

        public Truncate {
            targets = List.copyOf(targets);
        }
    }

    /// Every existing source row of the target tables precedes this record in its partition.
    record BackfillComplete(Token token, List<TableId> targets) implements TargetChange {

        public BackfillComplete {
            targets = List.copyOf(targets);
        }
    }

    record Watermark(Token token, WatermarkNumber watermark) implements TargetChange {}
}
