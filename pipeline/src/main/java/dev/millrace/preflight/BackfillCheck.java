package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Checks that windows can read the rows: each leaf partition is read under its own name, in ranges
/// of pages. The tables that the file names are checked for the role's privileges elsewhere.
final class BackfillCheck {

    /// The tables that store rows and cannot be read, each with the root of its partitions.
    private static final String NOT_READABLE =
            """
            SELECT coalesce(rn.nspname, n.nspname), coalesce(r.relname, c.relname), n.nspname, c.relname, a.amname,
                (NOT f.selects)::text, (NOT f.uses)::text, f.hides::text
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_am a ON a.oid = c.relam
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_class r
                ON c.relispartition AND r.oid = pg_catalog.pg_partition_root(c.oid)
            LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
            CROSS JOIN LATERAL (
                SELECT NOT c.relispartition OR pg_catalog.has_table_privilege(c.oid, 'SELECT') AS selects,
                    NOT c.relispartition OR pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS uses,
                    c.relispartition AND pg_catalog.row_security_active(c.oid) AS hides) f
            WHERE c.relkind = 'r' AND (a.amname <> 'heap' OR NOT f.selects OR NOT f.uses OR f.hides)
            ORDER BY 3, 4
            """;

    private BackfillCheck() {}

    static List<Finding> judge(
            MigrationSpec spec, Session source, Set<TableId> tables, String role) {
        Findings methods = new Findings(CheckName.SOURCE_ACCESS_METHOD);
        Findings partitions = new Findings(CheckName.SOURCE_PARTITION_PRIVILEGES);
        if (spec.backfill() == Backfill.WINDOWS) {
            for (List<@Nullable String> row : source.texts(NOT_READABLE)) {
                if (tables.contains(table(row.get(0), row.get(1)))) {
                    judge(row, role, methods, partitions);
                }
            }
        }
        List<Finding> all =
                new ArrayList<>(methods.orOk("source tables", "their existing rows can be read"));
        all.addAll(partitions.orOk("source partitions", "the role may read them"));
        return all;
    }

    private static void judge(
            List<@Nullable String> row, String role, Findings methods, Findings partitions) {
        TableId leaf = table(row.get(2), row.get(3));
        if (!"heap".equals(row.get(4))) {
            methods.refuse(
                    leaf.toString(),
                    "has the table access method "
                            + row.get(4)
                            + ", which has no scan of a range of pages",
                    Remedy.inFile("backfill: engine"));
        }
        if ("true".equals(row.get(5))) {
            partitions.refuse(
                    leaf.toString(),
                    "the role has no SELECT privilege on the partition, which is read under its own name",
                    Remedy.onSource(GrantSql.onTable("SELECT", leaf, role)));
        }
        if ("true".equals(row.get(6))) {
            partitions.refuse(
                    leaf.toString(),
                    "the role has no USAGE privilege on the schema of the partition",
                    Remedy.onSource(GrantSql.usage(leaf.schema(), role)));
        }
        if ("true".equals(row.get(7))) {
            partitions.refuse(
                    leaf.toString(),
                    "row-level security of the partition hides rows from the role",
                    Remedy.onSource(GrantSql.seesAllRows(role)));
        }
    }

    private static TableId table(@Nullable String schema, @Nullable String name) {
        return new TableId(String.valueOf(schema), String.valueOf(name));
    }
}
