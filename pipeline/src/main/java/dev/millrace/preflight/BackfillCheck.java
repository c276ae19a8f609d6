package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.PreflightCheck.Findings;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Requires `backfill: engine` for tables that cannot be read in ranges of pages.
final class BackfillCheck {

    /// Tables whose access method has no TID range scan, each with the root of its partitions.
    private static final String OTHER_METHODS =
            """
            SELECT coalesce(rn.nspname, n.nspname), coalesce(r.relname, c.relname), n.nspname, c.relname, a.amname
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_am a ON a.oid = c.relam
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_class r
                ON c.relispartition AND r.oid = pg_catalog.pg_partition_root(c.oid)
            LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
            WHERE c.relkind = 'r' AND a.amname <> 'heap' ORDER BY 3, 4
            """;

    private BackfillCheck() {}

    static List<Finding> judge(MigrationSpec spec, Session source, Set<TableId> tables) {
        Findings findings = new Findings("source.access-method");
        if (spec.backfill() == Backfill.WINDOWS) {
            for (List<@Nullable String> row : source.texts(OTHER_METHODS)) {
                if (tables.contains(table(row.get(0), row.get(1)))) {
                    findings.refuse(
                            table(row.get(2), row.get(3)).toString(),
                            "has the table access method "
                                    + row.get(4)
                                    + ", which has no scan of a range of pages",
                            "Set backfill: engine.");
                }
            }
        }
        return findings.orOk("source tables", "their existing rows can be read");
    }

    private static TableId table(@Nullable String schema, @Nullable String name) {
        return new TableId(String.valueOf(schema), String.valueOf(name));
    }
}
