package dev.millrace.capture.position;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.Collection;

/// Keeps the changes of a table from the target whose definition has changed on the source, and
/// lets rows be read again of which the stream lacks changes. Called by the capture thread.
public interface TablePause {

    /// No table is paused and none is read again: such a change ends the generation.
    TablePause NEVER =
            new TablePause() {
                @Override
                public boolean reads(TableId source, String column) {
                    return true;
                }

                @Override
                public boolean mayReadAgain(TableId source) {
                    return false;
                }

                @Override
                public boolean pause(TableId source, Change change) {
                    return false;
                }

                @Override
                public void readAgain(TableId source, Loss loss) {
                    throw new IllegalStateException("No table is read again.");
                }

                @Override
                public void restored(Collection<TableId> sources, Collection<TableId> changed) {
                    // None was paused.
                }
            };

    /// What lets a paused table continue.
    enum Remedy {
        /// An operator accepts the definition. The stream has every change.
        ACCEPT,
        /// An operator accepts the definition; then every row is read again.
        ACCEPT_AND_READ,
        /// Only the expected definition; then every row is read again.
        RESTORE,
        /// Every table must be read again in a new generation.
        REBACKFILL;

        /// Whether an operator can accept the definition.
        public boolean isAcceptable() {
            return this == ACCEPT || this == ACCEPT_AND_READ;
        }
    }

    /// @param difference what has changed, for the operator
    record Change(String difference, Remedy remedy) {}

    /// Changes of a table that the stream lacks.
    ///
    /// @param reason what has changed on the source, for the operator
    /// @param whole whether any row may be concerned; otherwise only rows of partitions that were
    ///   not read as they are now, and rows that no longer exist
    record Loss(String reason, boolean whole) {}

    /// Whether a mapping reads a column of the table.
    boolean reads(TableId source, String column);

    /// Whether partitions that come or go pause the table, instead of being read again by
    /// themselves.
    ///
    /// @param attached whether partitions come
    default boolean pausesFor(TableId source, boolean attached) {
        return false;
    }

    /// Whether rows of the table can be read again while the stream goes on.
    boolean mayReadAgain(TableId source);

    /// Pauses what is written from a source table. No watermark follows in the log before this
    /// returns, so nobody relies on rows of the table meanwhile. A table that [#mayReadAgain] is
    /// read again after it continues, unless the change is [Remedy#ACCEPT].
    ///
    /// @return false when the table cannot be paused alone
    boolean pause(TableId source, Change change) throws SQLException;

    /// Lets rows be read again. No watermark follows in the log before this returns.
    void readAgain(TableId source, Loss loss) throws SQLException;

    /// The definition of these tables is the one that the log expects. A table that was paused for
    /// its definition may continue.
    ///
    /// @param changed tables that stay paused, and with them what is written from them
    void restored(Collection<TableId> sources, Collection<TableId> changed) throws SQLException;
}
