package dev.millrace.stream;

import dev.millrace.change.TableId;
import java.util.Map;

/// What the log contains of the rows that existed before the stream, at one moment. Immutable.
///
/// @param tables every source table
/// @param incompleteKeys number of keys of which the log has a change without all cells; each is
///   read again
public record BackfillProgress(Map<TableId, Table> tables, long incompleteKeys) {

    /// @param rows number of rows in the log, counting a row again that was read again
    /// @param complete every existing row is in the log
    public record Table(long rows, boolean complete) {

        private static final Table UNREAD = new Table(0, false);
    }

    public BackfillProgress {
        tables = Map.copyOf(tables);
    }

    public Table table(TableId source) {
        return tables.getOrDefault(source, Table.UNREAD);
    }

    /// Whether every existing row of every table is in the log.
    public boolean isComplete() {
        return tables.values().stream().allMatch(Table::complete);
    }
}
