package dev.millrace.capture.position;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.Collection;

/// Keeps the changes of a table from the target whose definition has changed on the source. Called
/// by the capture thread.
public interface TablePause {

    /// No table is paused: such a change ends the generation.
    TablePause NEVER =
            new TablePause() {
                @Override
                public boolean pause(TableId source, Change change) {
                    return false;
                }

                @Override
                public void restored(Collection<TableId> sources, Collection<TableId> changed) {
                    // None was paused.
                }
            };

    /// @param difference what has changed, for the operator
    /// @param isRewritten whether values may have changed without an event in the stream
    record Change(String difference, boolean isRewritten) {}

    /// Pauses what is written from a source table. No watermark follows in the log before this
    /// returns, so nobody relies on rows of the table meanwhile.
    ///
    /// @return false when the table cannot be paused alone
    boolean pause(TableId source, Change change) throws SQLException;

    /// The definition of these tables is the one that the log expects. A table that was paused for
    /// its definition may continue.
    ///
    /// @param changed tables that stay paused, and with them what is written from them
    void restored(Collection<TableId> sources, Collection<TableId> changed) throws SQLException;
}
