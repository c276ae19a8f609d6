package dev.millrace.parity;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The tables that one query reads. Its rows name a table by its number in the list; a table that
/// does not exist has no rows. Immutable.
record NamedTables(List<TableId> tables) {

    private static final String TABLES =
            """
            WITH t AS MATERIALIZED (
                SELECT v.n, pg_catalog.to_regclass(v.name)::oid AS oid
                FROM unnest(ARRAY[%s]::text[]) WITH ORDINALITY v (name, n))
            """;

    /// The tables with their partitions, each under the number of its root.
    private static final String MEMBERS =
            """
            , member AS MATERIALIZED (
                SELECT t.n, t.oid FROM t WHERE t.oid IS NOT NULL
                UNION
                SELECT t.n, p.relid::oid FROM t, LATERAL pg_catalog.pg_partition_tree(t.oid) p
                WHERE t.oid IS NOT NULL)
            """;

    NamedTables {
        tables = List.copyOf(tables);
    }

    static NamedTables of(Collection<TableId> tables) {
        return new NamedTables(tables.stream().map(TableId::whole).distinct().sorted().toList());
    }

    /// The query behind a list `t (n, oid)` of the tables.
    String query(String sql) {
        return list() + sql;
    }

    /// The query behind a list `member (n, oid)` of the tables and their partitions.
    String withPartitions(String sql) {
        return list() + MEMBERS + sql;
    }

    private String list() {
        return TABLES.formatted(
                tables.stream()
                        .map(Identifier::quote)
                        .map(Identifier::literal)
                        .collect(Collectors.joining(", ")));
    }

    /// The table of a row.
    TableId table(List<@Nullable String> row) {
        return tables.get(Integer.parseInt(String.valueOf(row.getFirst())) - 1);
    }
}
