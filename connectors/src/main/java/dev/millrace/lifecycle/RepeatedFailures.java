package dev.millrace.lifecycle;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/// Counts failures by their reason, so that what fails repeatedly in the same way can be ended.
/// Reasons that differ only in numbers and quoted names count as the same. Thread-safe.
public final class RepeatedFailures {

    private static final Pattern VARIES =
            Pattern.compile("\"[^\"]*\"|'[^']*'|[0-9A-F]+/[0-9A-F]+|\\d+");

    private final int limit;
    private final Map<String, Integer> counts = new HashMap<>();

    /// @param limit number of failures with the same reason that is too many
    public RepeatedFailures(int limit) {
        this.limit = limit;
    }

    /// The reason without its numbers and quoted names.
    static String kind(Failure failure) {
        return VARIES.matcher(failure.reason()).replaceAll("?");
    }

    /// Counts the failure.
    ///
    /// @return whether the limit is reached
    public synchronized boolean isTooMany(Failure failure) {
        return counts.merge(kind(failure), 1, Integer::sum) >= limit;
    }

    /// Number of failures since the last [#clear].
    public synchronized int count() {
        return counts.values().stream().mapToInt(Integer::intValue).sum();
    }

    /// Resets all counts after progress.
    public synchronized void clear() {
        counts.clear();
    }
}
