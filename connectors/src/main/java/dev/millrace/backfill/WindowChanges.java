package dev.millrace.backfill;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The events of one table inside one window, reduced to what completes the rows that were read. Of
/// a key whose row or deletion is completely in the log only a mark is kept, of a partial update
/// the cells that it carries. Not thread-safe; guarded by [Windows].
final class WindowChanges {

    /// Approximate bytes of a map entry with its key.
    private static final int ENTRY = 120;

    /// What the log says about a key since the window was opened.
    private sealed interface Mark {

        /// The log contains the complete row, or its deletion.
        record Complete() implements Mark {}

        /// The log contains a row whose past is unknown: an insert with unchanged cells. Or it
        /// lacks the change, which came from the target.
        record Unknown() implements Mark {}

        /// The cells of partial updates, a later one over an earlier one.
        record Carried(Row cells) implements Mark {}
    }

    private static final Mark COMPLETE = new Mark.Complete();
    private static final Mark UNKNOWN = new Mark.Unknown();

    /// The rows of a window as they belong at its place in the log.
    ///
    /// @param rows the rows to write
    /// @param needed keys that need a key window: the log contains a partial row of them, and this
    ///   window does not write the row
    record Completed(List<Row> rows, Set<RowKey> needed) {}

    private final Map<RowKey, Mark> marks = new HashMap<>();
    private boolean truncated;
    private boolean columnsChanged;
    private long bytes;

    /// The memory that the marks occupy, approximately.
    long bytes() {
        return bytes;
    }

    /// Whether two rows of the window cannot be merged, because they have different columns.
    boolean columnsChanged() {
        return columnsChanged;
    }

    /// @param key the key of the event's row
    void add(RowKey key, ChangeEvent.OfRow event) {
        switch (event) {
            // Written by another window. Its row is a read, not a change of the source.
            case ChangeEvent.Read _ -> {}
            case ChangeEvent.Insert(int _, var _, Row row, boolean _) ->
                    mark(key, row.isPartial() ? UNKNOWN : COMPLETE);
            case ChangeEvent.Update(int _, var _, Row row, boolean awaitsRead) ->
                    mark(
                            key,
                            row.isPartial() ? partial(marks.get(key), row, awaitsRead) : COMPLETE);
            case ChangeEvent.Delete _, ChangeEvent.Oversized _ -> mark(key, COMPLETE);
        }
    }

    /// Adds a change that came from the target and is not in the log. The row that was read must
    /// not be written: it may be older than what the target has. If the log contains a partial row
    /// of the key, a later window completes it.
    void addDropped(RowKey key) {
        mark(key, UNKNOWN);
    }

    /// @param awaitsRead whether the mappings write nothing for the update until the row is read:
    ///   the complete row in the log is older than it, and so may be the row of the window
    private Mark partial(@Nullable Mark before, Row row, boolean awaitsRead) {
        return switch (before) {
            case null -> new Mark.Carried(row.detached());
            case Mark.Complete same -> awaitsRead ? UNKNOWN : same;
            case Mark.Unknown same -> same;
            case Mark.Carried(Row cells) -> new Mark.Carried(merged(row, cells));
        };
    }

    private Row merged(Row newer, Row older) {
        if (!newer.schema().equals(older.schema())) {
            columnsChanged = true;
            return older;
        }
        return newer.over(older);
    }

    private void mark(RowKey key, Mark mark) {
        Mark before = marks.put(key, mark);
        bytes += size(mark) - (before == null ? 0 : size(before));
        if (before == null) {
            bytes += ENTRY + key.bytes().length;
        }
    }

    private static long size(Mark mark) {
        return mark instanceof Mark.Carried(Row cells) ? size(cells) : 0;
    }

    /// The memory that a row occupies, approximately.
    static long size(Row row) {
        return 64 + 8L * row.schema().size() + row.size();
    }

    /// The table was truncated: every row that was read is gone, or was written after the truncate
    /// and is in the log.
    void truncate() {
        marks.clear();
        bytes = 0;
        truncated = true;
    }

    /// Those of the keys that did not change; none after a TRUNCATE.
    Set<RowKey> unchanged(Set<RowKey> keys) {
        Set<RowKey> unchanged = new HashSet<>(truncated ? Set.of() : keys);
        unchanged.removeAll(marks.keySet());
        return unchanged;
    }

    /// Frees the memory of the marks. The window ends.
    void release() {
        marks.clear();
        bytes = 0;
    }

    /// @param rows as they were read; the keys differ
    Completed complete(List<Row> rows) {
        if (marks.isEmpty() && !truncated) {
            return new Completed(rows, Set.of());
        }
        Set<RowKey> needed = new HashSet<>();
        marks.forEach(
                (key, mark) -> {
                    if (!(mark instanceof Mark.Complete)) {
                        needed.add(key);
                    }
                });
        List<Row> completed = new ArrayList<>();
        if (!truncated) {
            for (Row row : rows) {
                RowKey key = row.key();
                switch (marks.get(key)) {
                    case null -> completed.add(row);
                    case Mark.Complete _, Mark.Unknown _ -> {}
                    case Mark.Carried(Row cells) -> {
                        completed.add(merged(cells, row));
                        needed.remove(key);
                    }
                }
            }
        }
        return new Completed(completed, needed);
    }
}
