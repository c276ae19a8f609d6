package dev.millrace.migration;

import dev.millrace.log.LogEntry;
import java.util.function.Consumer;

/// Passes on a number of entries and no more.
final class Limited implements Consumer<LogEntry> {

    private final Consumer<String> line;
    private int left;

    Limited(int limit, Consumer<String> line) {
        this.left = limit;
        this.line = line;
    }

    @Override
    public void accept(LogEntry entry) {
        if (left > 0) {
            left--;
            line.accept(entry.toJson());
        }
    }
}
