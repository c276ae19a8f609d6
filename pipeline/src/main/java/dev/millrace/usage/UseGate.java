package dev.millrace.usage;

import dev.millrace.switchover.Gate;
import dev.millrace.usage.UseStatistics.Counts;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The gate `source-reads`: whether the statistics prove that nobody but Millrace has used the old
/// tables since the switchover. Pure. What is unknown closes it.
public final class UseGate {

    private static final String NAME = "source-reads";
    private static final int NAMED = 3;

    private UseGate() {}

    /// The gate without statistics of the switchover.
    public static Gate unread() {
        return unknown(
                "The statistics of the source were not read at the switchover. Find out by other means whether the old tables are read.");
    }

    /// @param before as they were when the application had left the source; empty if they could not
    ///   be read
    public static Gate judge(Optional<UseStatistics> before, UseStatistics now) {
        if (before.isEmpty()) {
            return unread();
        }
        String since = " since " + before.get().takenAt().truncatedTo(ChronoUnit.SECONDS);
        Counts statements = before.get().statements();
        if (isComparable(statements, now.statements())) {
            return statements(now.statements().since(statements), since);
        }
        Counts tables = before.get().tables();
        return isComparable(tables, now.tables()) && now.tables().since(tables).isEmpty()
                ? open("no scan of a table" + since)
                : unknown(doubt(statements, now.statements(), since));
    }

    /// Why the statements do not tell who scanned the tables.
    private static String doubt(Counts before, Counts now, String since) {
        String missing = now.missing() != null ? now.missing() : before.missing();
        return missing != null
                ? "The tables were scanned, also by Millrace, and the server does not tell by whom. "
                        + missing
                : "pg_stat_statements was reset, lost in a crash, set otherwise or too small to keep every statement%s. Increase pg_stat_statements.max, or find out by other means whether the old tables are read."
                        .formatted(since);
    }

    private static Gate statements(Map<String, Long> used, String since) {
        if (used.isEmpty()) {
            return open("no statement of others names a table" + since);
        }
        List<String> named =
                new ArrayList<>(
                        used.entrySet().stream()
                                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                                .limit(NAMED)
                                .map(
                                        entry ->
                                                "%s: %d calls"
                                                        .formatted(
                                                                entry.getKey(), entry.getValue()))
                                .toList());
        if (used.size() > NAMED) {
            named.add("and %d more".formatted(used.size() - NAMED));
        }
        return closed(
                String.join(", ", named) + since,
                "Other roles used the old tables, or views and functions that name them. Read the statements in pg_stat_statements by these identifiers, and stop what runs them.");
    }

    private static boolean isComparable(Counts before, Counts now) {
        return before.missing() == null && now.missing() == null && now.continues(before);
    }

    private static Gate open(String value) {
        return new Gate(NAME, value, limit(), true, false, "");
    }

    private static Gate unknown(String reason) {
        return closed("unknown", reason);
    }

    private static Gate closed(String value, String reason) {
        return new Gate(NAME, value, limit(), false, true, reason);
    }

    private static String limit() {
        return "no use of the old tables by others since the switchover";
    }
}
