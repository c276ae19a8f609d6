package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.sequences.Sequence.Supply;
import dev.millrace.sequences.Sequence.Values;
import dev.millrace.sequences.SequencePlan.Access;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Reads which sequences supply the columns of tables on one server, and what they are. Stateless.
final class SequenceCatalog {

    /// The tables with their partitions, inheriting tables and partition roots, each default of
    /// their columns, and each sequence that a default depends on. A domain's default counts where
    /// the column has none. `nextval('s'::text)` is no dependency, so the name is read from the
    /// default's text.
    private static final String SUPPLIES =
            """
            WITH RECURSIVE asked AS (
                SELECT c.oid, n.nspname, c.relname, c.relnamespace
                FROM unnest(%s, %s) a (schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.name),
            tree (root, relid) AS (
                SELECT oid, oid FROM asked
                UNION
                SELECT t.root, i.inhrelid FROM tree t
                JOIN pg_catalog.pg_inherits i ON i.inhparent = t.relid),
            columns AS (
                SELECT t.root, t.relid, a.attname, a.attnum, a.atttypid, a.atthasdef
                FROM (SELECT * FROM tree
                    UNION SELECT a.oid, p.relid::oid
                    FROM asked a, pg_catalog.pg_partition_ancestors(a.oid) p) t
                JOIN pg_catalog.pg_attribute a ON a.attrelid = t.relid
                    AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
            defaults AS (
                SELECT c.root, c.attname, pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS form,
                    d.tableoid AS catalog, d.oid
                FROM columns c
                JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.relid AND d.adnum = c.attnum
                UNION
                SELECT c.root, c.attname, pg_catalog.pg_get_expr(t.typdefaultbin, 0::oid), t.tableoid, t.oid
                FROM columns c
                JOIN pg_catalog.pg_type t ON t.oid = c.atttypid
                WHERE t.typtype = 'd' AND t.typdefaultbin IS NOT NULL AND NOT c.atthasdef),
            supplied (root, attname, sequence, form) AS (
                SELECT c.root, c.attname, p.objid, ''
                FROM columns c
                JOIN pg_catalog.pg_depend p ON p.refobjid = c.relid AND p.refobjsubid = c.attnum
                    AND p.refclassid = 'pg_catalog.pg_class'::regclass
                    AND p.classid = 'pg_catalog.pg_class'::regclass AND p.deptype IN ('a', 'i')
                UNION
                SELECT d.root, d.attname, p.refobjid, d.form
                FROM defaults d
                JOIN pg_catalog.pg_depend p ON p.classid = d.catalog AND p.objid = d.oid
                    AND p.refclassid = 'pg_catalog.pg_class'::regclass
                UNION
                SELECT d.root, d.attname, pg_catalog.to_regclass(replace(m[1], '''''', '''')), d.form
                FROM defaults d, regexp_matches(
                    d.form, 'nextval\\(\\(''((?:[^'']|'''')+)''::text\\)::regclass\\)', 'g') m)
            SELECT a.nspname, a.relname, s.attname, n.nspname, q.relname, s.form,
                coalesce((WITH RECURSIVE base (oid) AS (
                        SELECT r.atttypid
                        UNION SELECT t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.oid
                        WHERE t.typtype = 'd')
                    SELECT t.typname::text FROM base JOIN pg_catalog.pg_type t ON t.oid = base.oid
                    WHERE t.typtype = 'b' AND t.typnamespace = 'pg_catalog'::regnamespace), ''),
                pg_catalog.has_schema_privilege(a.relnamespace, 'USAGE')
                    AND pg_catalog.has_column_privilege(a.oid, r.attnum, 'SELECT'),
                EXISTS (SELECT FROM pg_catalog.pg_index i
                    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
                    JOIN pg_catalog.pg_am m ON m.oid = x.relam
                    WHERE i.indrelid = a.oid AND i.indkey[0] = r.attnum AND m.amname = 'btree'
                        AND i.indisvalid AND i.indpred IS NULL)
            FROM supplied s
            JOIN asked a ON a.oid = s.root
            JOIN pg_catalog.pg_attribute r ON r.attrelid = s.root AND r.attname = s.attname
            JOIN pg_catalog.pg_class q ON q.oid = s.sequence AND q.relkind = 'S'
            JOIN pg_catalog.pg_namespace n ON n.oid = q.relnamespace
            ORDER BY 1, 2, r.attnum, 4, 5, s.form DESC
            """;

    private static final String SEQUENCES =
            """
            SELECT n.nspname, c.relname, pg_catalog.format_type(s.seqtypid, NULL),
                s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, s.seqcache,
                NOT EXISTS (SELECT FROM pg_catalog.pg_depend p
                    WHERE p.classid = 'pg_catalog.pg_class'::regclass AND p.objid = c.oid
                        AND p.deptype IN ('a', 'i', 'e')),
                pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
                pg_catalog.has_sequence_privilege(c.oid, 'SELECT'),
                pg_catalog.has_sequence_privilege(c.oid, 'UPDATE')
            FROM pg_catalog.pg_sequence s
            JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid AND c.relpersistence <> 't'
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = ANY (%s)
                OR (n.nspname, c.relname) IN (SELECT * FROM unnest(%s, %s))
            """;

    private static final Pattern CALL =
            Pattern.compile(
                    "nextval\\((?:'(?:[^']|'')*'::regclass|\\('(?:[^']|'')*'::text\\)::regclass)\\)");

    private static final Pattern PLAIN =
            Pattern.compile("\\(*nextval\\)*(?:::(?:smallint|integer|bigint|numeric)\\)*)*");

    private SequenceCatalog() {}

    /// What one server says.
    ///
    /// @param sequences those that supply a column, and all of the schemas
    /// @param role the session's role
    record Side(List<Supply> supplies, SortedMap<TableId, Sequence> sequences, String role) {

        Stream<Supply> of(TableId table, String column) {
            return supplies.stream()
                    .filter(each -> each.table().equals(table) && each.column().equals(column));
        }
    }

    /// Runs a query and returns each value as PostgreSQL's text.
    @FunctionalInterface
    interface Query {
        List<List<@Nullable String>> texts(String sql) throws SQLException;
    }

    static Side read(Query query, Collection<TableId> tables, Collection<String> schemas)
            throws SQLException {
        List<Supply> supplies = supplies(query, tables);
        Set<TableId> supplying = new LinkedHashSet<>();
        supplies.forEach(each -> supplying.add(each.sequence()));
        return new Side(
                supplies,
                sequences(query, supplying, schemas),
                String.valueOf(query.texts("SELECT current_user").getFirst().getFirst()));
    }

    private static List<Supply> supplies(Query query, Collection<TableId> tables)
            throws SQLException {
        Map<List<Object>, List<Supply>> byColumn = new LinkedHashMap<>();
        for (List<@Nullable String> row :
                query.texts(SUPPLIES.formatted(schemas(tables), names(tables)))) {
            Supply supply = supply(new Texts(row));
            byColumn.computeIfAbsent(
                            List.of(supply.table(), supply.column(), supply.sequence()),
                            _ -> new ArrayList<>())
                    .add(supply);
        }
        return byColumn.values().stream().flatMap(SequenceCatalog::distinct).toList();
    }

    /// An owner's default says more than the ownership, which has no form.
    private static Stream<Supply> distinct(List<Supply> sameColumn) {
        boolean called = sameColumn.stream().anyMatch(each -> !each.form().isEmpty());
        return sameColumn.stream()
                .filter(each -> !called || !each.form().isEmpty())
                .map(
                        each ->
                                new Supply(
                                        each.table(),
                                        each.column(),
                                        each.sequence(),
                                        form(each.form()),
                                        each.values()))
                .distinct();
    }

    /// The default without the sequence's name, which differs between source and target.
    static String form(String expression) {
        String form = CALL.matcher(expression).replaceAll("nextval");
        return PLAIN.matcher(form).matches() ? "" : form;
    }

    private static Supply supply(Texts row) {
        return new Supply(
                row.id(0),
                row.at(2),
                row.id(3),
                row.at(5),
                new Values(row.at(6), row.is(7), row.is(8)));
    }

    private static SortedMap<TableId, Sequence> sequences(
            Query query, Collection<TableId> ids, Collection<String> schemas) throws SQLException {
        SortedMap<TableId, Sequence> sequences = new TreeMap<>();
        String sql = SEQUENCES.formatted(array(schemas.stream()), schemas(ids), names(ids));
        for (List<@Nullable String> row : query.texts(sql)) {
            Sequence sequence = sequence(new Texts(row));
            sequences.put(sequence.id(), sequence);
        }
        return sequences;
    }

    private static Sequence sequence(Texts row) {
        return new Sequence(
                row.id(0),
                row.at(2),
                row.number(3),
                row.number(4),
                row.number(5),
                row.is(6),
                row.number(7),
                row.is(8),
                new Access(row.is(9), row.is(10), row.is(11)));
    }

    static String schemas(Collection<TableId> ids) {
        return array(ids.stream().map(TableId::schema));
    }

    static String names(Collection<TableId> ids) {
        return array(ids.stream().map(TableId::name));
    }

    private static String array(Stream<String> texts) {
        return texts.map(Identifier::literal)
                .collect(Collectors.joining(", ", "ARRAY[", "]::text[]"));
    }

    /// One row of a query.
    record Texts(List<@Nullable String> row) {

        String at(int column) {
            return String.valueOf(row.get(column));
        }

        TableId id(int column) {
            return new TableId(at(column), at(column + 1));
        }

        boolean is(int column) {
            return at(column).equals("t");
        }

        long number(int column) {
            return Long.parseLong(at(column));
        }
    }
}
