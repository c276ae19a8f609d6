package dev.millrace.parity;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Session;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The defaults, indexes and constraints of some tables of one database. Not changed after they are
/// read.
record SchemaFacts(Map<TableId, Table> tables) {

    private static final String DEFAULTS =
            """
            SELECT t.n, a.attname, coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''),
                a.attidentity <> '' OR EXISTS (SELECT FROM pg_catalog.pg_depend p
                    JOIN pg_catalog.pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
                    WHERE p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid
                        AND p.refclassid = 'pg_catalog.pg_class'::regclass)
            FROM t
            JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
                AND NOT a.attisdropped AND a.attgenerated = ''
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE d.oid IS NOT NULL OR a.attidentity <> ''
            """;

    /// Valid B-tree indexes over columns of all rows.
    private static final String INDEXES =
            """
            SELECT t.n, x.indexrelid, i.relname, x.indisunique, a.attname
            FROM t
            JOIN pg_catalog.pg_index x ON x.indrelid = t.oid
            JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
            JOIN pg_catalog.pg_am m ON m.oid = i.relam
            CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY k (attnum, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
            WHERE m.amname = 'btree' AND x.indpred IS NULL AND x.indexprs IS NULL
                AND x.indisvalid AND k.place <= x.indnkeyatts
            ORDER BY t.n, i.relname, k.place
            """;

    private static final String CONSTRAINTS =
            """
            SELECT t.n, k.oid, k.conname, k.contype, pg_catalog.pg_get_constraintdef(k.oid),
                coalesce(n.nspname, ''), coalesce(r.relname, ''), a.attname, coalesce(f.attname, '')
            FROM t
            JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('c', 'f')
                AND k.conparentid = 0
            LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
            LEFT JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
            CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY c (attnum, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.attnum
            LEFT JOIN pg_catalog.pg_attribute f ON f.attrelid = k.confrelid
                AND f.attnum = k.confkey[c.place]
            ORDER BY t.n, k.conname, c.place
            """;

    private static final String PARTITIONED =
            """
            SELECT t.n FROM t JOIN pg_catalog.pg_class c ON c.oid = t.oid WHERE c.relkind = 'p'
            """;

    /// @param supplied a sequence gives the value: `nextval` or an identity
    record Default(String expression, boolean supplied) {}

    /// @param columns in the order of the index
    record Index(String name, boolean unique, List<String> columns) {}

    /// @param columns the columns that it names, in its order
    record Check(String name, String definition, List<String> columns) {}

    /// A foreign key.
    ///
    /// @param keys the columns of the referenced table, in the order of `columns`
    record Reference(String name, TableId table, List<String> columns, List<String> keys) {}

    /// The lists are filled while the facts are read.
    record Table(
            Map<String, Default> defaults,
            List<Index> indexes,
            List<Check> checks,
            List<Reference> references,
            boolean partitioned) {

        private static Table empty(boolean partitioned) {
            return new Table(
                    new HashMap<>(),
                    new ArrayList<>(),
                    new ArrayList<>(),
                    new ArrayList<>(),
                    partitioned);
        }
    }

    private static final Table ABSENT = new Table(Map.of(), List.of(), List.of(), List.of(), false);

    Table of(TableId table) {
        return tables.getOrDefault(table.whole(), ABSENT);
    }

    static SchemaFacts read(Session session, NamedTables names) {
        List<TableId> partitioned =
                session.texts(names.query(PARTITIONED)).stream().map(names::table).toList();
        Map<TableId, Table> tables = new HashMap<>();
        for (TableId table : names.tables()) {
            tables.put(table, Table.empty(partitioned.contains(table)));
        }
        SchemaFacts facts = new SchemaFacts(tables);
        for (List<@Nullable String> row : session.texts(names.query(DEFAULTS))) {
            facts.of(names.table(row))
                    .defaults()
                    .put(text(row, 1), new Default(text(row, 2), text(row, 3).equals("t")));
        }
        groups(session.texts(names.query(INDEXES)), rows -> facts.index(names, rows));
        groups(session.texts(names.query(CONSTRAINTS)), rows -> facts.constraint(names, rows));
        return facts;
    }

    private void index(NamedTables names, List<List<@Nullable String>> rows) {
        List<@Nullable String> first = rows.getFirst();
        of(names.table(first))
                .indexes()
                .add(new Index(text(first, 2), text(first, 3).equals("t"), column(rows, 4)));
    }

    private void constraint(NamedTables names, List<List<@Nullable String>> rows) {
        List<@Nullable String> first = rows.getFirst();
        Table table = of(names.table(first));
        String name = text(first, 2);
        if (text(first, 3).equals("c")) {
            table.checks().add(new Check(name, text(first, 4), column(rows, 7)));
        } else {
            table.references()
                    .add(
                            new Reference(
                                    name,
                                    new TableId(text(first, 5), text(first, 6)),
                                    column(rows, 7),
                                    column(rows, 8)));
        }
    }

    /// Passes on the rows of each object; the second cell identifies it.
    private static void groups(
            List<List<@Nullable String>> rows, Consumer<List<List<@Nullable String>>> each) {
        Map<String, List<List<@Nullable String>>> groups = new LinkedHashMap<>();
        rows.forEach(row -> groups.computeIfAbsent(text(row, 1), _ -> new ArrayList<>()).add(row));
        groups.values().forEach(each);
    }

    private static List<String> column(List<List<@Nullable String>> rows, int column) {
        return rows.stream().map(row -> text(row, column)).toList();
    }

    private static String text(List<@Nullable String> row, int column) {
        return String.valueOf(row.get(column));
    }
}
