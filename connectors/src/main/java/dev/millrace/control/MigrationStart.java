package dev.millrace.control;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The tables and columns that the control schema recorded when a migration began. A `*` covers
/// these and no table or column that was added on the source later. Read before a start, when the
/// control schema may be absent or not readable. Immutable.
///
/// @param columns of each source table, by its quoted name; empty when the migration has not begun
/// @param targets quoted names of the target tables
public record MigrationStart(Map<String, List<String>> columns, Set<String> targets) {

    public MigrationStart {
        columns = Map.copyOf(columns);
        targets = Set.copyOf(targets);
    }

    /// What the role cannot read counts as not recorded, so that preflight refuses what it would
    /// accept only from a migration that has begun.
    public static MigrationStart read(Session target, String migration) {
        String ofMigration = " WHERE migration = " + Identifier.literal(migration);
        Map<String, List<String>> columns = new HashMap<>();
        if (isReadable(target, "source_columns")) {
            target.texts(
                            "SELECT source, c.name FROM millrace.source_columns, unnest(columns)"
                                    + " WITH ORDINALITY c (name, place)"
                                    + ofMigration
                                    + " ORDER BY source, place")
                    .forEach(
                            row ->
                                    columns.computeIfAbsent(
                                                    String.valueOf(row.getFirst()),
                                                    _ -> new ArrayList<>())
                                            .add(String.valueOf(row.getLast())));
        }
        Set<String> targets = new HashSet<>();
        if (isReadable(target, "target_table")) {
            target.texts("SELECT target FROM millrace.target_table" + ofMigration)
                    .forEach(row -> targets.add(String.valueOf(row.getFirst())));
        }
        return new MigrationStart(columns, targets);
    }

    private static boolean isReadable(Session target, String table) {
        String readable =
                """
                SELECT FROM pg_catalog.pg_class c
                WHERE c.relnamespace = to_regnamespace('millrace')
                    AND c.relname = %s
                    AND has_schema_privilege(c.relnamespace, 'USAGE')
                    AND has_table_privilege(c.oid, 'SELECT')
                """
                        .formatted(Identifier.literal(table));
        return !target.texts(readable).isEmpty();
    }

    /// Whether a generation of the migration has begun.
    public static boolean hasGeneration(Session target, String migration) {
        return target.texts("SELECT to_regclass('millrace.generation')").getFirst().getFirst()
                        != null
                && !target.texts(
                                "SELECT 1 FROM millrace.generation WHERE migration = "
                                        + Identifier.literal(migration)
                                        + " LIMIT 1")
                        .isEmpty();
    }

    public boolean hasStarted() {
        return !columns.isEmpty();
    }

    public boolean isTarget(TableId table) {
        return targets.contains(Identifier.quote(table));
    }

    /// Columns of a source table; empty when the table is unknown.
    public Optional<List<String>> of(TableId source) {
        return Optional.ofNullable(columns.get(Identifier.quote(source)));
    }
}
