package dev.millrace.postgres;

import dev.millrace.change.TableId;
import dev.millrace.postgres.TableFacts.Access;
import dev.millrace.postgres.TableFacts.Columns;
import dev.millrace.postgres.TableFacts.Dependents;
import dev.millrace.postgres.TableFacts.Foreign;
import dev.millrace.postgres.TableFacts.Keys;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.postgres.TableFacts.Member;
import dev.millrace.postgres.TableFacts.Partition;
import dev.millrace.postgres.TableFacts.Persistence;
import dev.millrace.postgres.TableFacts.Rules;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// Reads [TableFacts] of any number of tables with three statements.
final class FactReader {

    private static final String FACTS =
            """
            SELECT c.oid::int8 AS oid, c.relkind, c.relpersistence,
                CASE WHEN c.relispartition THEN rn.nspname END AS root_schema, r.relname AS root_name,
                pg_catalog.pg_get_userbyid(c.relowner) AS owner,
                pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
                pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AS may_use,
                pg_catalog.has_table_privilege(c.oid, 'SELECT') AS may_select,
                pg_catalog.has_table_privilege(c.oid, 'INSERT') AS may_insert,
                pg_catalog.has_table_privilege(c.oid, 'UPDATE') AS may_update,
                pg_catalog.has_table_privilege(c.oid, 'DELETE') AS may_delete,
                pg_catalog.row_security_active(c.oid) AS row_security,
                ARRAY(SELECT u.part FROM pg_catalog.pg_class l
                    JOIN pg_catalog.pg_namespace n ON n.oid = l.relnamespace
                    JOIN pg_catalog.pg_roles o ON o.oid = l.relowner,
                    unnest(ARRAY[n.nspname::text, l.relname::text, o.rolname::text,
                        o.rolsuper::text]) WITH ORDINALITY u (part, i)
                    WHERE l.oid = ANY (ARRAY(SELECT c.oid
                        UNION SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) t))
                    AND NOT pg_catalog.pg_has_role(l.relowner, 'USAGE')
                    ORDER BY n.nspname, l.relname, u.i) AS foreign_tables,
                CASE WHEN c.relkind = 'p' THEN
                    (SELECT CASE WHEN bool_and(l.reltuples >= 0) THEN sum(l.reltuples)::int8 END
                    FROM pg_catalog.pg_partition_tree(c.oid) t
                    JOIN pg_catalog.pg_class l ON l.oid = t.relid WHERE t.isleaf)
                    ELSE nullif(c.reltuples, -1)::int8 END AS rows,
                (SELECT coalesce(sum(pg_catalog.pg_relation_size(l.oid)
                        + CASE WHEN l.reltoastrelid = 0 THEN 0
                            ELSE pg_catalog.pg_relation_size(l.reltoastrelid) END), 0)::int8
                    FROM pg_catalog.pg_class l WHERE l.relkind = 'r'
                    AND l.oid = ANY (ARRAY(SELECT c.oid
                        UNION SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) t)))
                    AS bytes,
                ARRAY(SELECT f.conname::text FROM pg_catalog.pg_constraint f
                    WHERE f.conrelid = c.oid AND f.contype = 'f' ORDER BY 1) AS foreign_keys,
                ARRAY(SELECT DISTINCT f.conrelid::regclass::text FROM pg_catalog.pg_constraint f
                    WHERE f.confrelid = c.oid AND f.contype = 'f' ORDER BY 1) AS referenced_by,
                ARRAY(SELECT t.tgname::text FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid
                    AND NOT t.tgisinternal AND t.tgenabled = 'O' ORDER BY 1) AS triggers,
                ARRAY(SELECT u.part FROM pg_catalog.pg_trigger t
                    JOIN pg_catalog.pg_class tc ON tc.oid = t.tgrelid
                    JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace,
                    unnest(ARRAY[tn.nspname::text, tc.relname::text, t.tgname::text])
                        WITH ORDINALITY u (part, i)
                    WHERE t.tgrelid = ANY (ARRAY(SELECT c.oid
                        UNION SELECT l.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) l))
                    AND (t.tgrelid = c.oid OR t.tgparentid = 0)
                    AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R')
                    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_proc f
                        JOIN pg_catalog.pg_namespace m ON m.oid = f.pronamespace
                        WHERE f.oid = t.tgfoid AND m.nspname = 'millrace')
                    ORDER BY t.tgname, tn.nspname, tc.relname, u.i) AS replica_triggers,
                ARRAY(SELECT u.part FROM pg_catalog.pg_constraint d
                    JOIN pg_catalog.pg_class dc ON dc.oid = d.conrelid
                    JOIN pg_catalog.pg_namespace dn ON dn.oid = dc.relnamespace,
                    unnest(ARRAY[dn.nspname::text, dc.relname::text, d.conname::text])
                        WITH ORDINALITY u (part, i)
                    WHERE d.conrelid = ANY (ARRAY(SELECT c.oid
                        UNION SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) t))
                    AND (d.conrelid = c.oid OR d.conparentid = 0)
                    AND d.contype IN ('p', 'u', 'x') AND d.condeferrable
                    ORDER BY d.conname, dn.nspname, dc.relname, u.i) AS deferrable,
                EXISTS (SELECT FROM pg_catalog.pg_index x
                    WHERE x.indrelid = ANY (ARRAY(SELECT c.oid
                        UNION SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) t))
                    AND\s"""
                    + TableFacts.UNIQUE_BESIDES_KEY
                    + """
                    ) AS unique_besides_key,
                ARRAY(SELECT pg_catalog.format('%I.%I', hn.nspname, h.relname)
                    FROM pg_catalog.pg_inherits i
                    JOIN pg_catalog.pg_class h ON h.oid = i.inhrelid
                    JOIN pg_catalog.pg_namespace hn ON hn.oid = h.relnamespace
                    WHERE i.inhparent = c.oid AND NOT h.relispartition ORDER BY 1) AS inheriting_tables,
                ARRAY(SELECT r.rulename::text FROM pg_catalog.pg_rewrite r
                    WHERE r.ev_class = c.oid AND r.ev_type = '2' ORDER BY 1) AS update_rules,
                ARRAY(SELECT r.rulename::text FROM pg_catalog.pg_rewrite r
                    WHERE r.ev_class = c.oid AND r.ev_type IN ('3', '4')
                    AND r.ev_enabled IN ('O', 'A') ORDER BY 1) AS origin_rules,
                ARRAY(SELECT r.rulename::text FROM pg_catalog.pg_rewrite r
                    WHERE r.ev_class = c.oid AND r.ev_type IN ('3', '4')
                    AND r.ev_enabled IN ('R', 'A') ORDER BY 1) AS replica_rules,
                ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attidentity = 'a' ORDER BY a.attnum) AS identity_always,
                ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND (a.attidentity <> '' OR a.atthasdef AND a.attgenerated = '')
                    ORDER BY a.attnum) AS defaulted,
                ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attlen = -1 AND a.attstorage <> 'p' ORDER BY a.attnum) AS toastable,
                ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attgenerated = 's' ORDER BY a.attnum) AS stored,
                ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attgenerated = 'v' ORDER BY a.attnum) AS virtual
            FROM pg_catalog.pg_class c
            LEFT JOIN pg_catalog.pg_class r
                ON c.relispartition AND r.oid = pg_catalog.pg_partition_root(c.oid)
            LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
            WHERE c.oid = ANY (?::int8[])
            """;

    private static final String LEAVES =
            """
            SELECT root.oid AS root, l.oid::int8 AS oid, n.nspname, l.relname, l.relkind, l.relpersistence
            FROM (SELECT c.oid::int8 AS oid FROM pg_catalog.pg_class c
                WHERE c.oid = ANY (?::int8[]) AND c.relkind = 'p') root,
                pg_catalog.pg_partition_tree(root.oid::oid) t
            JOIN pg_catalog.pg_class l ON l.oid = t.relid
            JOIN pg_catalog.pg_namespace n ON n.oid = l.relnamespace
            WHERE t.isleaf ORDER BY n.nspname, l.relname
            """;

    private record Leaf(long root, long oid, TableId id, Kind kind, Persistence persistence) {}

    private final Connection connection;

    FactReader(Connection connection) {
        this.connection = connection;
    }

    Map<TableId, TableFacts> facts(Map<TableId, Long> oids) {
        List<Leaf> leaves = leaves(oids.values());
        Map<Long, Keys> keys =
                new KeyReader(connection)
                        .keys(
                                Stream.concat(
                                                oids.values().stream(),
                                                leaves.stream().map(Leaf::oid))
                                        .distinct()
                                        .toList());
        Map<Long, List<Partition>> partitions = new HashMap<>();
        leaves.forEach(
                leaf ->
                        partitions
                                .computeIfAbsent(leaf.root(), _ -> new ArrayList<>())
                                .add(
                                        new Partition(
                                                leaf.id(),
                                                leaf.kind(),
                                                leaf.persistence(),
                                                KeyReader.of(keys, leaf.oid()))));
        Map<Long, TableId> names = new HashMap<>();
        oids.forEach((name, oid) -> names.put(oid, name));
        Map<TableId, TableFacts> read = new HashMap<>();
        Query.list(
                        connection,
                        FACTS,
                        row -> {
                            long oid = row.getLong("oid");
                            return facts(
                                    Objects.requireNonNull(names.get(oid)),
                                    row,
                                    KeyReader.of(keys, oid),
                                    partitions.getOrDefault(oid, List.of()));
                        },
                        oids.values())
                .forEach(facts -> read.put(facts.id(), facts));
        Map<TableId, TableFacts> ordered = new LinkedHashMap<>();
        for (TableId table : oids.keySet()) {
            Optional.ofNullable(read.get(table)).ifPresent(facts -> ordered.put(table, facts));
        }
        return ordered;
    }

    private List<Leaf> leaves(Collection<Long> oids) {
        return Query.list(
                connection,
                LEAVES,
                row ->
                        new Leaf(
                                row.getLong("root"),
                                row.getLong("oid"),
                                new TableId(row.getString("nspname"), row.getString("relname")),
                                kind(row.getString("relkind")),
                                persistence(row.getString("relpersistence"))),
                oids);
    }

    private static TableFacts facts(
            TableId table, ResultSet row, Keys keys, List<Partition> partitions)
            throws SQLException {
        String rootSchema = row.getString("root_schema");
        Optional<TableId> root =
                rootSchema == null
                        ? Optional.empty()
                        : Optional.of(new TableId(rootSchema, row.getString("root_name")));
        long rows = row.getLong("rows");
        OptionalLong estimate = row.wasNull() ? OptionalLong.empty() : OptionalLong.of(rows);
        return new TableFacts(
                table,
                kind(row.getString("relkind")),
                persistence(row.getString("relpersistence")),
                root,
                keys,
                columns(row),
                dependents(row),
                access(row),
                estimate,
                row.getLong("bytes"),
                partitions);
    }

    private static Columns columns(ResultSet row) throws SQLException {
        return new Columns(
                Query.texts(row, "identity_always"),
                Query.texts(row, "defaulted"),
                Query.texts(row, "toastable"),
                Query.texts(row, "stored"),
                Query.texts(row, "virtual"));
    }

    private static Dependents dependents(ResultSet row) throws SQLException {
        return new Dependents(
                Query.texts(row, "foreign_keys"),
                Query.texts(row, "referenced_by"),
                Query.texts(row, "triggers"),
                members(Query.texts(row, "replica_triggers")),
                members(Query.texts(row, "deferrable")),
                row.getBoolean("unique_besides_key"),
                Query.texts(row, "inheriting_tables"),
                new Rules(
                        Query.texts(row, "update_rules"),
                        Query.texts(row, "origin_rules"),
                        Query.texts(row, "replica_rules")));
    }

    private static Access access(ResultSet row) throws SQLException {
        return new Access(
                row.getString("owner"),
                row.getBoolean("owned"),
                row.getBoolean("may_use"),
                row.getBoolean("may_select"),
                row.getBoolean("may_insert"),
                row.getBoolean("may_update"),
                row.getBoolean("may_delete"),
                row.getBoolean("row_security"),
                foreign(Query.texts(row, "foreign_tables")));
    }

    /// @param parts schema and name of the table, and the name of each
    private static List<Member> members(List<String> parts) {
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < parts.size(); i += 3) {
            members.add(new Member(new TableId(parts.get(i), parts.get(i + 1)), parts.get(i + 2)));
        }
        return members;
    }

    /// @param parts schema, name, owner and whether that is a superuser, of each table
    private static List<Foreign> foreign(List<String> parts) {
        List<Foreign> foreign = new ArrayList<>();
        for (int i = 0; i < parts.size(); i += 4) {
            foreign.add(
                    new Foreign(
                            new TableId(parts.get(i), parts.get(i + 1)),
                            parts.get(i + 2),
                            parts.get(i + 3).equals("true")));
        }
        return foreign;
    }

    private static Kind kind(String letter) {
        return switch (letter) {
            case "r" -> Kind.TABLE;
            case "p" -> Kind.PARTITIONED_TABLE;
            case "v" -> Kind.VIEW;
            case "m" -> Kind.MATERIALIZED_VIEW;
            case "f" -> Kind.FOREIGN_TABLE;
            default -> throw new IllegalStateException("Unknown relkind: " + letter);
        };
    }

    private static Persistence persistence(String letter) {
        return switch (letter) {
            case "p" -> Persistence.PERMANENT;
            case "u" -> Persistence.UNLOGGED;
            case "t" -> Persistence.TEMPORARY;
            default -> throw new IllegalStateException("Unknown relpersistence: " + letter);
        };
    }
}
