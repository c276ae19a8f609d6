package dev.millrace.source;

import dev.millrace.change.Lsn;
import dev.millrace.change.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.TableId;

/// What one record of the engine is, before the log gives it its place.
sealed interface Decoded {

    /// A row read by the snapshot.
    record SnapshotRow(Row row) implements Decoded {}

    /// One event of a transaction.
    ///
    /// @param lastCommit end of the last commit before it; zero when none has been seen since the
    ///   start
    record Streamed(Lsn lastCommit, Origin origin, What what) implements Decoded {}

    sealed interface What {
        record Inserted(Row row) implements What {}

        record Updated(Row row) implements What {}

        /// An update that changed the key: two events of the log, one of the transaction.
        record Rekeyed(Row old, Row row) implements What {}

        record Deleted(Row row) implements What {}

        record Truncated(TableId table) implements What {}

        record Message(byte[] content) implements What {}
    }
}
