package dev.millrace.usage;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.usage.UseStatistics.Counts;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads what the statistics of a database count for some tables: the scans of each table, which
/// include Millrace's own, and in `pg_stat_statements` the calls of statements by other roles that
/// name a table, or something whose definition names it. Thread-safe.
///
/// @param tables with their partitions
/// @param comparing the role of comparisons, whose statements are Millrace's own
public record SourceUse(Database source, Collection<TableId> tables, String comparing) {

    private static final String FACTS =
            """
            SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                current_setting('track_counts'),
                concat_ws(' ', (SELECT stats_reset FROM pg_catalog.pg_stat_bgwriter),
                    (SELECT stats_reset FROM pg_catalog.pg_stat_database WHERE datname = current_database())),
                pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'),
                coalesce(current_setting('pg_stat_statements.track', true), ''),
                coalesce(current_setting('pg_stat_statements.track_utility', true), ''),
                coalesce((SELECT quote_ident(n.nspname) FROM pg_catalog.pg_extension e
                    JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                    WHERE e.extname = 'pg_stat_statements'
                    AND string_to_array(e.extversion, '.')::int[] >= ARRAY[1, 9]), '')
            """;

    private static final String TREE =
            """
            SELECT c.oid, c.relname
            FROM unnest(ARRAY[%s]::text[]) name, LATERAL (SELECT pg_catalog.to_regclass(name) AS t) r,
                LATERAL (SELECT relid FROM pg_catalog.pg_partition_tree(r.t) UNION SELECT r.t) p
            JOIN pg_catalog.pg_class c ON c.oid = p.relid
            """;

    private static final String SCANS =
            """
            SELECT relid, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_catalog.pg_stat_all_tables
            WHERE relid = ANY(ARRAY[%s]::oid[])
            """;

    /// A name, and a text that says what reaches it: who names the first uses what the second
    /// names.
    private static final String DEFINITIONS =
            """
            WITH own AS (SELECT oid FROM pg_catalog.pg_namespace
                WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'millrace'))
            SELECT c.relname, pg_catalog.pg_get_viewdef(c.oid)
                FROM pg_catalog.pg_class c JOIN own ON own.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')
            UNION ALL SELECT p.proname, coalesce(nullif(p.prosrc, ''), pg_catalog.pg_get_function_sqlbody(p.oid))
                FROM pg_catalog.pg_proc p JOIN own ON own.oid = p.pronamespace
                JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE l.lanname NOT IN ('c', 'internal')
            UNION ALL SELECT c.relname, p.proname
                FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
                JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid WHERE NOT g.tgisinternal
            UNION ALL SELECT c.relname, pg_catalog.pg_get_ruledef(r.oid)
                FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
                JOIN own ON own.oid = c.relnamespace WHERE r.rulename <> '_RETURN'
            UNION ALL SELECT c.relname, f.relname
                FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
                JOIN pg_catalog.pg_class f ON f.oid = k.confrelid WHERE k.contype = 'f'
            """;

    private static final String LIFE =
            "SELECT concat_ws(' ', stats_reset, dealloc) FROM %s.pg_stat_statements_info";

    private static final String CALLS =
            """
            SELECT format('%%s, statement %%s', coalesce(r.rolname, s.userid::text), coalesce(s.queryid::text, 'unknown')),
                sum(s.calls)
            FROM %s.pg_stat_statements s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid
            WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                AND s.userid NOT IN (SELECT oid FROM pg_catalog.pg_roles WHERE rolname IN (session_user, %s))
                AND (s.query IS NULL OR s.query ~* %s)
            GROUP BY 1
            """;

    private static final String REMEDY =
            " Run on the source before the switchover: %s. Without it, find out by other means whether the old tables are read.";

    /// Reads all counters now.
    ///
    /// @throws dev.millrace.postgres.Database.DatabaseFailure if the source does not answer
    public UseStatistics read() {
        try (Session session = source.session()) {
            List<@Nullable String> facts = session.texts(FACTS).getFirst();
            Map<String, String> tree = tree(session);
            return new UseStatistics(
                    Instant.parse(text(facts, 0)),
                    text(facts, 1).equals("on")
                            ? new Counts(null, text(facts, 2), scans(session, tree.keySet()))
                            : Counts.missing("track_counts is off on the source."),
                    statements(session, facts, new HashSet<>(tree.values())));
        }
    }

    private Map<String, String> tree(Session session) {
        return pairs(
                session,
                TREE.formatted(
                        tables.stream()
                                .map(Identifier::quote)
                                .map(Identifier::literal)
                                .collect(Collectors.joining(", "))));
    }

    private static Map<String, Long> scans(Session session, Set<String> oids) {
        return counts(session, SCANS.formatted(String.join(", ", oids)));
    }

    private Counts statements(Session session, List<@Nullable String> facts, Set<String> tables) {
        String schema = text(facts, 6);
        if (schema.isEmpty() || text(facts, 4).isEmpty()) {
            return Counts.missing(
                    "The source has no pg_stat_statements of version 1.9 or newer."
                            + REMEDY.formatted(
                                    "add it to shared_preload_libraries, restart, CREATE EXTENSION pg_stat_statements"));
        }
        if (!text(facts, 3).equals("t")) {
            return Counts.missing(
                    "The role may not read the statements of other roles."
                            + REMEDY.formatted(
                                    "GRANT pg_read_all_stats TO the role of source.username"));
        }
        if (text(facts, 4).equals("none") || !text(facts, 5).equals("on")) {
            return Counts.missing(
                    "pg_stat_statements does not count every statement."
                            + REMEDY.formatted(
                                    "set pg_stat_statements.track to all and pg_stat_statements.track_utility to on"));
        }
        String life =
                String.valueOf(session.texts(LIFE.formatted(schema)).getFirst().getFirst())
                        + " "
                        + text(facts, 4);
        Set<String> names = reaching(tables, definitions(session));
        return new Counts(
                null,
                life,
                counts(
                        session,
                        CALLS.formatted(
                                schema,
                                Identifier.literal(comparing),
                                Identifier.literal(expression(names)))));
    }

    /// @param name of a view, function or table
    /// @param text of its definition
    record Definition(String name, String text) {}

    private static List<Definition> definitions(Session session) {
        return session.texts(DEFINITIONS).stream()
                .map(row -> new Definition(text(row, 0), text(row, 1)))
                .toList();
    }

    /// The names by which a statement can reach the tables: their own, and those whose definition
    /// names one of these.
    static Set<String> reaching(Set<String> tables, List<Definition> definitions) {
        Set<String> names = new LinkedHashSet<>(tables);
        boolean found = !tables.isEmpty();
        while (found) {
            Pattern named =
                    Pattern.compile(
                            names.stream()
                                    .map(Pattern::quote)
                                    .collect(
                                            Collectors.joining(
                                                    "|", "(?<![\\w$])(?:", ")(?![\\w$])")),
                            Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CHARACTER_CLASS);
            found =
                    names.addAll(
                            definitions.stream()
                                    .filter(each -> named.matcher(each.text()).find())
                                    .map(Definition::name)
                                    .toList());
        }
        return names;
    }

    /// A PostgreSQL regular expression that finds one of the names as a whole word.
    static String expression(Set<String> names) {
        return names.stream()
                .sorted()
                .map(name -> name.replaceAll("([^\\p{L}\\p{N}_])", "\\\\$1"))
                .collect(Collectors.joining("|", "(^|[^[:alnum:]_$])(", ")($|[^[:alnum:]_$])"));
    }

    private static Map<String, String> pairs(Session session, String sql) {
        Map<String, String> pairs = new HashMap<>();
        session.texts(sql).forEach(row -> pairs.put(text(row, 0), text(row, 1)));
        return pairs;
    }

    private static Map<String, Long> counts(Session session, String sql) {
        return pairs(session, sql).entrySet().stream()
                .collect(
                        Collectors.toMap(
                                Map.Entry::getKey, entry -> Long.parseLong(entry.getValue())));
    }

    private static String text(List<@Nullable String> row, int column) {
        return String.valueOf(row.get(column));
    }
}
