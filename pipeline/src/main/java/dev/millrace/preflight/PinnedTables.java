package dev.millrace.preflight;

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

/// The tables and columns that a `*` covered when the migration started. Tables and columns that
/// were added on the source later are not included. Immutable.
///
/// @param columns of each source table, by its quoted name; empty when the migration has not
///   started
/// @param targets quoted names of the target tables
record PinnedTables(Map<String, List<String>> columns, Set<String> targets) {

    static final PinnedTables NOTHING = new PinnedTables(Map.of(), Set.of());

    PinnedTables {
        columns = Map.copyOf(columns);
        targets = Set.copyOf(targets);
    }

    static PinnedTables read(Session target, String migration) {
        String readable =
                """
                SELECT count(*) = 2 FROM pg_catalog.pg_class c
                WHERE c.relnamespace = to_regnamespace('millrace')
                    AND c.relname IN ('source_columns', 'target_table')
                    AND has_schema_privilege(c.relnamespace, 'USAGE')
                    AND has_table_privilege(c.oid, 'SELECT')
                """;
        if (!"t".equals(target.texts(readable).getFirst().getFirst())) {
            return NOTHING;
        }
        String ofMigration = " WHERE migration = " + Identifier.literal(migration);
        Map<String, List<String>> columns = new HashMap<>();
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
        Set<String> targets = new HashSet<>();
        target.texts("SELECT target FROM millrace.target_table" + ofMigration)
                .forEach(row -> targets.add(String.valueOf(row.getFirst())));
        return new PinnedTables(columns, targets);
    }

    boolean hasStarted() {
        return !columns.isEmpty();
    }

    boolean isTarget(TableId table) {
        return targets.contains(Identifier.quote(table));
    }

    /// Columns of a source table; empty when the table is unknown.
    Optional<List<String>> of(TableId source) {
        return Optional.ofNullable(columns.get(Identifier.quote(source)));
    }
}
