package dev.millrace.bench;

import dev.millrace.bench.contestant.OrdersTable;
import dev.millrace.bench.report.Sample.Content;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;

/// Compares the target's rows with what the SELECT returns on the source. Both servers compute an
/// MD5 of each row's text, and of these by groups of a thousand keys in order; of a group that
/// differs, the rows are compared one by one. This is independent of the product's reconciliation.
/// Neither side may change meanwhile. Stateless.
final class ContentCheck {

    private static final int GROUP = 1_000;

    /// Groups whose rows are compared one by one; more only raise a lower bound.
    private static final int GROUPS_READ = 50;

    private ContentCheck() {}

    static Content compare(Connection source, Connection target, OrdersTable.Form form)
            throws SQLException {
        String expected = "(" + form.select(OrdersTable.NAME) + ")";
        String actual = "(TABLE public." + OrdersTable.NAME + ")";
        Map<Long, String> wanted = groups(source, expected, form.key());
        Map<Long, String> found = groups(target, actual, form.key());
        TreeSet<Long> groups = new TreeSet<>(wanted.keySet());
        groups.addAll(found.keySet());
        groups.removeIf(group -> Objects.equals(wanted.get(group), found.get(group)));
        long rows = wanted.values().stream().mapToLong(ContentCheck::count).sum();
        long differences = 0;
        long first = 0;
        int read = 0;
        for (long group : groups) {
            if (++read > GROUPS_READ) {
                differences++;
                continue;
            }
            Map<Long, String> left = rows(source, expected, form.key(), group);
            Map<Long, String> right = rows(target, actual, form.key(), group);
            TreeSet<Long> keys = new TreeSet<>(left.keySet());
            keys.addAll(right.keySet());
            keys.removeIf(key -> Objects.equals(left.get(key), right.get(key)));
            if (differences == 0 && !keys.isEmpty()) {
                first = keys.first();
            }
            // Groups that differ although their rows do not would be a fault of this check.
            differences += Math.max(1, keys.size());
        }
        return new Content(rows, differences, groups.size() <= GROUPS_READ, first);
    }

    private static long count(String group) {
        return Long.parseLong(group.substring(0, group.indexOf(' ')));
    }

    private static Map<Long, String> groups(Connection side, String rows, String key)
            throws SQLException {
        String sql =
                ("SELECT %2$s / %3$d, count(*) || ' ' || md5(string_agg(md5(r::text), '' ORDER BY"
                                + " %2$s)) FROM %1$s r GROUP BY 1")
                        .formatted(rows, key, GROUP);
        try (Statement statement = side.createStatement();
                ResultSet found = statement.executeQuery(sql)) {
            return read(found);
        }
    }

    private static Map<Long, String> rows(Connection side, String rows, String key, long group)
            throws SQLException {
        String sql =
                "SELECT %2$s, md5(r::text) FROM %1$s r WHERE %2$s / %3$d = ?"
                        .formatted(rows, key, GROUP);
        try (PreparedStatement statement = side.prepareStatement(sql)) {
            statement.setLong(1, group);
            try (ResultSet found = statement.executeQuery()) {
                return read(found);
            }
        }
    }

    private static Map<Long, String> read(ResultSet found) throws SQLException {
        Map<Long, String> read = new TreeMap<>();
        while (found.next()) {
            read.put(found.getLong(1), found.getString(2));
        }
        return read;
    }
}
