package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.sequences.SequenceCatalog.Texts;
import dev.millrace.sequences.SequencePlan.Finding;
import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Finds sequences that the catalog does not connect with a column, and uses of a sequence outside
/// the migration. Only for people: none of it prevents a switchover. Stateless.
final class SequenceNotes {

    /// The triggers for INSERT of the tables, and the functions in their defaults, whose text calls
    /// nextval.
    private static final String HIDDEN =
            """
            WITH RECURSIVE tree (root, relid) AS (
                SELECT c.oid, c.oid
                FROM unnest(%s, %s) a (schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.name
                UNION
                SELECT t.root, i.inhrelid FROM tree t
                JOIN pg_catalog.pg_inherits i ON i.inhparent = t.relid),
            callers AS (
                SELECT t.root, 'trigger ' || g.tgname AS caller, g.tgfoid AS function
                FROM tree t
                JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.relid
                    AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 4 > 0
                UNION
                SELECT t.root, 'default of ' || a.attname, p.refobjid
                FROM tree t
                JOIN pg_catalog.pg_attrdef d ON d.adrelid = t.relid
                JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_attrdef'::regclass
                    AND p.objid = d.oid AND p.refclassid = 'pg_catalog.pg_proc'::regclass)
            SELECT n.nspname, r.relname, c.caller,
                f.prosrc || coalesce(pg_catalog.pg_get_function_sqlbody(f.oid), '')
            FROM callers c
            JOIN pg_catalog.pg_proc f ON f.oid = c.function
                AND f.pronamespace <> 'pg_catalog'::regnamespace
            JOIN pg_catalog.pg_class r ON r.oid = c.root
            JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
            WHERE f.prosrc || coalesce(pg_catalog.pg_get_function_sqlbody(f.oid), '') ~* '\\mnextval\\M'
            ORDER BY 1, 2, 3
            """;

    private static final String USERS =
            """
            SELECT DISTINCT s.schema, s.name, n.nspname, c.relname
            FROM unnest(%s, %s) s (schema, name)
            JOIN pg_catalog.pg_namespace m ON m.nspname = s.schema
            JOIN pg_catalog.pg_class q ON q.relnamespace = m.oid AND q.relname = s.name
            JOIN pg_catalog.pg_depend p ON p.refobjid = q.oid
                AND p.refclassid = 'pg_catalog.pg_class'::regclass
                AND p.classid = 'pg_catalog.pg_attrdef'::regclass
            JOIN pg_catalog.pg_attrdef d ON d.oid = p.objid
            JOIN pg_catalog.pg_class c ON c.oid = d.adrelid AND NOT c.relispartition
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            ORDER BY 1, 2, 3, 4
            """;

    private static final Pattern NAME =
            Pattern.compile(
                    "nextval\\s*\\(\\s*'(?:[^'.]*\\.)?\"?([^'.\"]+)\"?'", Pattern.CASE_INSENSITIVE);

    private SequenceNotes() {}

    /// @param known the sequences that are advanced
    static List<Finding> hidden(
            SequenceCatalog.Query target, Collection<TableId> tables, Collection<TableId> known)
            throws SQLException {
        Set<String> names =
                known.stream()
                        .map(sequence -> sequence.name().toLowerCase(Locale.ROOT))
                        .collect(Collectors.toSet());
        return rows(target, HIDDEN, tables).stream()
                .filter(row -> !names.containsAll(called(row.at(3))) || called(row.at(3)).isEmpty())
                .map(
                        row ->
                                new Finding(
                                        false,
                                        row.at(2) + " of table " + row.id(0) + " on the target",
                                        "calls nextval in a function, so the switchover does not"
                                                + " advance its sequence",
                                        "Let the column own the sequence (ALTER SEQUENCE … OWNED"
                                                + " BY …), or set it with setval while the source"
                                                + " is fenced."))
                .toList();
    }

    /// The sequences that a function's text names in calls of nextval.
    private static List<String> called(String function) {
        return NAME.matcher(function)
                .results()
                .map(match -> match.group(1).toLowerCase(Locale.ROOT))
                .toList();
    }

    /// Sequences of the source that also supply tables outside the migration.
    static List<Finding> shared(
            SequenceCatalog.Query source,
            Collection<TableId> sequences,
            Collection<TableId> migrated)
            throws SQLException {
        Map<TableId, SortedSet<String>> others = new LinkedHashMap<>();
        for (Texts row : rows(source, USERS, sequences)) {
            if (!migrated.contains(row.id(2))) {
                others.computeIfAbsent(row.id(0), _ -> new TreeSet<>()).add(row.id(2).toString());
            }
        }
        return others.entrySet().stream()
                .map(
                        entry ->
                                new Finding(
                                        false,
                                        "sequence " + entry.getKey() + " of the source",
                                        "also supplies tables outside this migration ("
                                                + String.join(", ", entry.getValue())
                                                + "): after the switchover source and target give"
                                                + " the same values",
                                        "If the values must be unique over all these tables, set"
                                                + " different ranges with ALTER SEQUENCE."))
                .toList();
    }

    private static List<Texts> rows(
            SequenceCatalog.Query query, String sql, Collection<TableId> ids) throws SQLException {
        return query
                .texts(sql.formatted(SequenceCatalog.schemas(ids), SequenceCatalog.names(ids)))
                .stream()
                .map(Texts::new)
                .toList();
    }
}
