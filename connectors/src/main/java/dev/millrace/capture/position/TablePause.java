package dev.millrace.capture.position;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

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
                public Optional<String> whyNotReadAgain(TableId source) {
                    return Optional.of("No table is read again");
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

    /// What lets a paused table continue, from the least to the most. Each but [#ACCEPT] reads
    /// every row again.
    enum Remedy {
        /// An operator accepts the definition. The stream has every change.
        ACCEPT(
                "Its changes wait in the log. Check that the target table accepts the values, then"
                        + " run 'millrace resume --table %s --accept-schema', or restore the"
                        + " definition"),
        /// An operator accepts the definition.
        ACCEPT_AND_READ(
                "The stream may lack changes of it. Check that the target table accepts the values,"
                        + " then run 'millrace resume --table %s --accept-schema': its rows are then"
                        + " read again"),
        /// A column gets the name of one that was dropped; then an operator accepts it.
        ADD_AGAIN(
                "The mapping needs the column, and a dropped column does not come back. Add another"
                        + " one with its name and values, then run 'millrace resume --table %s"
                        + " --accept-schema': its rows are then read again. To go on without the"
                        + " column, begin a new migration with a file that does not read it"),
        /// Only the expected names.
        RESTORE(
                "The mapping needs the definition as it was. Restore it: the table then continues by"
                        + " itself, and its rows are read again. If the definition must stay, begin a"
                        + " new migration with a file that fits it"),
        /// Only the expected table under its name, or a new generation.
        GIVE_BACK(
                "The stream carries the changes of the table that had the name before. Give that"
                        + " table its name back: it then continues by itself, and its rows are read"
                        + " again. To go on with the table that has the name now, run 'millrace"
                        + " rebackfill', which reads every table again"),
        /// Rows must be read again and cannot be: see [Change#instead].
        NONE("");

        private final String text;

        Remedy(String text) {
            this.text = text;
        }

        /// Whether names alone differ, which can be restored without a trace.
        boolean isOfNames() {
            return this == RESTORE || this == GIVE_BACK;
        }

        /// Whether an operator can accept the definition.
        public boolean isAcceptable() {
            return this == ACCEPT || this == ACCEPT_AND_READ;
        }
    }

    /// A difference between the definition that the log expects and the present one.
    ///
    /// @param difference what has changed, for the operator
    /// @param instead what to do if there is no remedy; empty if there is one
    record Change(String difference, Remedy remedy, String instead) {

        public Change(String difference, Remedy remedy) {
            this(difference, remedy, "");
        }

        /// What has changed and what to do, without the last period.
        public String text(TableId source, TableId target) {
            return "The source table %s has changed: %s. %s"
                    .formatted(
                            source,
                            difference,
                            remedy == Remedy.NONE ? instead : remedy.text.formatted(target));
        }
    }

    /// Changes of a table that the stream lacks.
    ///
    /// @param reason what has changed on the source, for the operator
    /// @param whole whether any row may be concerned; otherwise only rows of partitions that were
    ///   not read as they are now, and rows that no longer exist
    record Loss(String reason, boolean whole) {}

    /// Whether a mapping reads a column of the table.
    boolean reads(TableId source, String column);

    /// What happens to a partition.
    enum PartitionChange {
        ATTACHED,
        /// Also by DROP TABLE.
        DETACHED
    }

    /// Whether such a change pauses the table, instead of being read again by itself.
    default boolean pausesFor(TableId source, PartitionChange change) {
        return false;
    }

    /// Why rows of the table cannot be read again while the stream goes on, and what to do instead,
    /// without the last period; empty if they can.
    Optional<String> whyNotReadAgain(TableId source);

    default boolean mayReadAgain(TableId source) {
        return whyNotReadAgain(source).isEmpty();
    }

    /// Pauses what is written from a source table. No watermark follows in the log before this
    /// returns, so no reader relies on rows of the table meanwhile. A table that [#mayReadAgain] is
    /// read again after it continues, unless the change is [Remedy#ACCEPT].
    ///
    /// @return false when the table cannot be paused alone
    boolean pause(TableId source, Change change) throws SQLException;

    /// Which of these tables are paused for their definition, also by an earlier process.
    default Set<TableId> stopped(Collection<TableId> sources) throws SQLException {
        return Set.of();
    }

    /// Lets rows be read again. No watermark follows in the log before this returns.
    void readAgain(TableId source, Loss loss) throws SQLException;

    /// The definition of these tables is the one that the log expects. A table that was paused for
    /// its definition may continue.
    ///
    /// @param changed tables that stay paused, and with them what is written from them
    void restored(Collection<TableId> sources, Collection<TableId> changed) throws SQLException;
}
