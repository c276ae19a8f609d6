package dev.millrace.lifecycle;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/// Counts failures by their reason, so that what fails the same way again and again ends. Numbers
/// and quoted names don't tell two reasons apart. Thread-safe.
public final class RepeatedFailures {

    private static final Pattern VARIES =
            Pattern.compile("\"[^\"]*\"|'[^']*'|[0-9A-F]+/[0-9A-F]+|\\d+");

    private final int limit;
    private final Map<String, Integer> counts = new HashMap<>();

    /// @param limit how many failures of one reason are too many
    public RepeatedFailures(int limit) {
        this.limit = limit;
    }

    /// Counts the failure.
    ///
    /// @return whether it has now happened too often
    public synchronized boolean isTooMany(Failure failure) {
        String kind = VARIES.matcher(failure.reason()).replaceAll("?");
        return counts.merge(kind, 1, Integer::sum) >= limit;
    }

    /// How many failures were counted since the last [#clear].
    public synchronized int count() {
        return counts.values().stream().mapToInt(Integer::intValue).sum();
    }

    /// Forgets all: there was progress.
    public synchronized void clear() {
        counts.clear();
    }
}
