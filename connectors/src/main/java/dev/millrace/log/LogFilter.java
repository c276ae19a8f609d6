package dev.millrace.log;

import java.util.List;
import java.util.Optional;

/// Which entries an operator wants: all, those of one table (`schema.name`), those of one key (the
/// key's texts in key order). Watermarks and entries of other kinds without a table are taken only
/// when no table is asked for.
public record LogFilter(Optional<String> table, Optional<List<String>> key) {

    public static final LogFilter ALL = new LogFilter(Optional.empty(), Optional.empty());

    boolean takes(LogEntry entry) {
        boolean ofTable = table.isEmpty() || table.get().equals(entry.table());
        boolean ofKey =
                key.isEmpty()
                        || entry.key() != null
                                && entry.key().values().stream()
                                        .map(String::valueOf)
                                        .toList()
                                        .equals(key.get());
        return ofTable && ofKey;
    }
}
