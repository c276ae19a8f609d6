package dev.millrace.indexes;

import dev.millrace.change.TableId;
import dev.millrace.control.DroppedDefinitions.Definition;
import dev.millrace.control.DroppedDefinitions.Kind;
import dev.millrace.postgres.Identifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The indexes of a target table besides its primary key, and its foreign keys: those that can be
/// dropped for the backfill and created again exactly, and those that stay, each with the reason.
/// Pure and immutable.
///
/// @param owner the role that owns the table
/// @param owned the session's role has the owner's rights, which DROP INDEX needs
/// @param creates the session's role may create objects in the table's schema, which CREATE INDEX
///   needs as well
/// @param invalid indexes that a CREATE INDEX CONCURRENTLY left behind; only their names count
public record TableObjects(
        TableId table,
        String owner,
        boolean owned,
        boolean creates,
        List<Definition> removable,
        List<Definition> invalid,
        List<Kept> kept) {

    public TableObjects {
        removable = List.copyOf(removable);
        invalid = List.copyOf(invalid);
        kept = List.copyOf(kept);
    }

    /// An index or a foreign key that stays.
    ///
    /// @param reason continues "index x stays: "
    public record Kept(Kind kind, String name, String reason) {}

    /// Why an object stays. Ordered: the first one that applies is shown.
    private enum Obstacle {
        CONSTRAINT("it belongs to a unique or exclusion constraint, which protects rows"),
        UNIQUE("it is unique: it refuses a duplicate as soon as one is written"),
        PARTITIONED("it belongs to a partitioned table"),
        INHERITED("it belongs to an index or a foreign key of a partitioned table"),
        IDENTITY("it is the replica identity of the table"),
        INVALID("it is invalid"),
        DEPENDENTS("another object depends on it"),
        EXTENSION("it depends on an extension or belongs to one"),
        TABLESPACE("the role may not create objects in its tablespace"),
        SCHEMA("the role may not use a schema that its definition names"),
        TRIGGERS("its triggers are disabled or have another mode"),
        REFERENCES("the role has no REFERENCES privilege on the referenced table");

        private final String reason;

        Obstacle(String reason) {
            this.reason = reason;
        }
    }

    private static final String TABLES =
            """
            WITH t AS (
                SELECT c.oid, c.relkind, c.relname, c.relowner, n.nspname, n.oid AS namespace
                FROM (VALUES %s) v (schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = v.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.name)
            SELECT nspname::text, relname::text, 'table', '', pg_catalog.pg_get_userbyid(relowner)::text,
                '', '', '',
                pg_catalog.concat_ws(',',
                    CASE WHEN pg_catalog.pg_has_role(relowner, 'USAGE') THEN 'owned' END,
                    CASE WHEN pg_catalog.has_schema_privilege(namespace, 'CREATE') THEN 'creates' END)
            FROM t
            """;

    private static final String INDEXES =
            """
            UNION ALL
            SELECT t.nspname, t.relname, 'index', i.relname::text, pg_catalog.pg_get_indexdef(i.oid),
                coalesce(s.spcname::text, ''),
                coalesce(pg_catalog.obj_description(i.oid, 'pg_class'), ''),
                coalesce((
                    SELECT pg_catalog.string_agg(a.attnum || '=' || a.attstattarget, ',' ORDER BY a.attnum)
                    FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = i.oid AND a.attstattarget >= 0), ''),
                pg_catalog.concat_ws(',',
                    CASE WHEN x.indisclustered THEN 'clustered' END,
                    CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_constraint k
                        WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')) THEN 'constraint' END,
                    CASE WHEN x.indisunique THEN 'unique' END,
                    CASE WHEN t.relkind <> 'r' OR i.relkind <> 'i' THEN 'partitioned' END,
                    CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits h
                        WHERE h.inhrelid = i.oid) THEN 'inherited' END,
                    CASE WHEN x.indisreplident THEN 'identity' END,
                    CASE WHEN NOT (x.indisvalid AND x.indisready AND x.indislive) THEN 'invalid' END,
                    CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND d.refobjid = i.oid) THEN 'dependents' END,
                    CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND d.objid = i.oid AND d.deptype IN ('x', 'e')) THEN 'extension' END,
                    CASE WHEN s.oid IS NOT NULL
                        AND NOT pg_catalog.has_tablespace_privilege(s.oid, 'CREATE') THEN 'tablespace' END,
                    CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend d
                        LEFT JOIN pg_catalog.pg_proc f
                            ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = d.refobjid
                        LEFT JOIN pg_catalog.pg_operator o
                            ON d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobjid
                        LEFT JOIN pg_catalog.pg_opclass p
                            ON d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND p.oid = d.refobjid
                        LEFT JOIN pg_catalog.pg_collation l
                            ON d.refclassid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND l.oid = d.refobjid
                        LEFT JOIN pg_catalog.pg_type y
                            ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid = d.refobjid
                        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.oid
                            AND NOT pg_catalog.has_schema_privilege(coalesce(f.pronamespace, o.oprnamespace,
                                p.opcnamespace, l.collnamespace, y.typnamespace), 'USAGE')) THEN 'schema' END)
            FROM t
            JOIN pg_catalog.pg_index x ON x.indrelid = t.oid
            JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
            LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = i.reltablespace
            WHERE NOT x.indisprimary
            """;

    private static final String FOREIGN_KEYS =
            """
            UNION ALL
            SELECT t.nspname, t.relname, 'foreign key', k.conname::text, pg_catalog.pg_get_constraintdef(k.oid),
                '', coalesce(pg_catalog.obj_description(k.oid, 'pg_constraint'), ''), '',
                pg_catalog.concat_ws(',',
                    CASE WHEN k.convalidated THEN 'validated' END,
                    CASE WHEN t.relkind <> 'r' OR r.relkind <> 'r' THEN 'partitioned' END,
                    CASE WHEN k.conparentid <> 0 THEN 'inherited' END,
                    CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                            AND d.refobjid = k.oid AND d.deptype = 'n') THEN 'dependents' END,
                    CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger g
                        WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O') THEN 'triggers' END,
                    CASE WHEN NOT pg_catalog.has_schema_privilege(r.relnamespace, 'USAGE')
                        OR NOT pg_catalog.has_table_privilege(r.oid, 'REFERENCES') THEN 'references' END)
            FROM t
            JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
            JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
            ORDER BY 1, 2, 3, 4
            """;

    /// The query that [#of] reads. Run it with an empty `search_path`, so that every name in a
    /// definition is qualified.
    public static String sql(Collection<TableId> tables) {
        return TABLES.formatted(
                        tables.stream()
                                .map(
                                        table ->
                                                "("
                                                        + Identifier.literal(table.schema())
                                                        + ", "
                                                        + Identifier.literal(table.name())
                                                        + ")")
                                .collect(Collectors.joining(", ")))
                + INDEXES
                + FOREIGN_KEYS;
    }

    /// @param rows the result of [#sql]
    public static List<TableObjects> of(List<List<@Nullable String>> rows) {
        Map<TableId, List<Row>> byTable = new LinkedHashMap<>();
        for (List<@Nullable String> row : rows) {
            Row read = new Row(row.stream().map(String::valueOf).toList());
            byTable.computeIfAbsent(read.table(), _ -> new ArrayList<>()).add(read);
        }
        return byTable.values().stream().map(TableObjects::table).toList();
    }

    private static TableObjects table(List<Row> rows) {
        Row itself =
                rows.stream().filter(row -> row.kind().equals("table")).findFirst().orElseThrow();
        List<Definition> removable = new ArrayList<>();
        List<Definition> invalid = new ArrayList<>();
        List<Kept> kept = new ArrayList<>();
        for (Row row : rows) {
            if (row == itself) {
                continue;
            }
            Definition definition = row.definition();
            Set<Obstacle> obstacles = row.obstacles();
            if (obstacles.isEmpty()) {
                removable.add(definition);
                continue;
            }
            if (obstacles.equals(EnumSet.of(Obstacle.INVALID))) {
                invalid.add(definition);
            }
            kept.add(
                    new Kept(
                            definition.kind(),
                            definition.name(),
                            obstacles.iterator().next().reason));
        }
        return new TableObjects(
                itself.table(),
                itself.cells().get(4),
                itself.flags().contains("owned"),
                itself.flags().contains("creates"),
                removable,
                invalid,
                kept);
    }

    /// One row of [#sql].
    private record Row(List<String> cells) {

        TableId table() {
            return new TableId(cells.get(0), cells.get(1));
        }

        String kind() {
            return cells.get(2);
        }

        Set<String> flags() {
            return Set.of(cells.get(8).split(","));
        }

        Set<Obstacle> obstacles() {
            Set<Obstacle> obstacles = EnumSet.noneOf(Obstacle.class);
            for (Obstacle obstacle : Obstacle.values()) {
                if (flags().contains(obstacle.name().toLowerCase(Locale.ROOT))) {
                    obstacles.add(obstacle);
                }
            }
            return obstacles;
        }

        Definition definition() {
            Kind kind = kind().equals(Kind.INDEX.text()) ? Kind.INDEX : Kind.FOREIGN_KEY;
            return new Definition(
                    kind,
                    table(),
                    cells.get(3),
                    cells.get(4),
                    cells.get(5),
                    cells.get(6),
                    statistics(),
                    flags().contains("clustered"),
                    kind == Kind.INDEX || flags().contains("validated"));
        }

        private SortedMap<Integer, Integer> statistics() {
            SortedMap<Integer, Integer> statistics = new TreeMap<>();
            for (String target : cells.get(7).isEmpty() ? new String[0] : cells.get(7).split(",")) {
                String[] parts = target.split("=", 2);
                statistics.put(Integer.valueOf(parts[0]), Integer.valueOf(parts[1]));
            }
            return statistics;
        }
    }
}
