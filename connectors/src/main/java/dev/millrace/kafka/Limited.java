package dev.millrace.kafka;

import java.util.function.Consumer;
import java.util.function.Predicate;

/// Passes on a limited number of entries, and ends the read with the last one. Not thread-safe;
/// confined to the reading thread.
final class Limited implements Predicate<LogEntry> {

    private final Consumer<LogEntry> passed;
    private int left;

    /// @param limit 1 or more
    Limited(int limit, Consumer<LogEntry> passed) {
        this.left = limit;
        this.passed = passed;
    }

    @Override
    public boolean test(LogEntry entry) {
        left--;
        passed.accept(entry);
        return left > 0;
    }
}
