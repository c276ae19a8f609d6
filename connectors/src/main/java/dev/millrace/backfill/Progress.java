package dev.millrace.backfill;

import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import java.util.Set;

/// What a window contributes to the progress of the backfill. It is written in the same Kafka
/// transaction as the window's rows, so after a crash only ranges in progress are read again.
/// Immutable.
public sealed interface Progress {

    TableId table();

    /// The file of one table or leaf partition, as it was read. Positions of rows are comparable
    /// only within the same file, and a detached partition is changed without the stream.
    ///
    /// @param oid object id of the leaf
    /// @param fileNode `pg_relation_filenode`: another one after a rewrite
    /// @param inheritance versions (`xmin`) of its `pg_inherits` rows up to the root, empty for a
    ///   table that is not a partition: another one after DETACH and ATTACH
    record LeafVersion(long oid, long fileNode, String inheritance) {}

    /// The first window of the table may be read: see [TableStart].
    record Started(TableId table) implements Progress {}

    /// @param rows number of rows that were read
    record RangeRead(TableId table, LeafVersion leaf, TidRange range, long rows)
            implements Progress {}

    /// A key window.
    ///
    /// @param keys the keys that were read, including those without a row
    record KeysRead(TableId table, Set<RowKey> keys) implements Progress {

        public KeysRead {
            keys = Set.copyOf(keys);
        }
    }

    /// Every existing row of the table is in the log. The capture thread writes a
    /// `BackfillComplete` to every partition, after all rows of the same transaction.
    ///
    /// @param beginnings [BackfillState#beginnings] when the reading of the table was planned; void
    ///   if the state has another number
    record Complete(TableId table, long beginnings) implements Progress {}

    /// The table is read again from its first page, also if it was complete. Its target keeps its
    /// rows.
    record Again(TableId table) implements Progress {}

    /// Leaves of the table that were not read as they are now are read: those that were attached,
    /// or rewritten without an event. What was read of the others remains read.
    record LeavesChanged(TableId table) implements Progress {}

    /// Keys of rows of the target were looked up on the source. Those without a row there become
    /// deletes.
    ///
    /// @param schema of a row of the key columns
    /// @param keys the keys that were looked up
    record KeysSwept(RowSchema schema, Set<RowKey> keys) implements Progress {

        public KeysSwept {
            keys = Set.copyOf(keys);
        }

        @Override
        public TableId table() {
            return schema.table();
        }
    }
}
