package dev.millrace.preflight;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.change.TableId;
import dev.millrace.control.MigrationStart;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.stream.Direction;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Collects from both databases the facts that the checks need. Only reads. Not thread-safe;
/// confined to the thread that owns both sessions.
final class FactCollector {

    private final String migration;
    private final Session source;
    private final Session target;

    FactCollector(String migration, Session source, Session target) {
        this.migration = migration;
        this.source = source;
        this.target = target;
    }

    Facts collect(List<CompiledTable> tables) {
        Set<TableId> sources = new LinkedHashSet<>();
        Set<TableId> targets = new LinkedHashSet<>();
        for (CompiledTable table : tables) {
            sources.add(table.source().id());
            targets.add(table.target().id());
        }
        return new Facts(
                collectSource(sources), collectTarget(targets), collectSwitchover(), tables);
    }

    private Facts.Source collectSource(Set<TableId> tables) {
        Server server = source.server();
        String slot = CaptureSettings.slot(migration);
        String publication = CaptureSettings.publication(migration);
        return new Facts.Source(
                server.facts(),
                slot,
                server.slot(slot),
                publication,
                server.publication(publication),
                source.sourceCatalog().facts(tables));
    }

    private Facts.Target collectTarget(Set<TableId> ids) {
        Server server = target.server();
        Map<TableId, TableFacts> tables = target.targetCatalog().facts(ids);
        Facts.ControlSchema control = controlSchema(target);
        return new Facts.Target(
                server.facts(),
                server.maySetReplicationRole(),
                control,
                tables,
                filled(tables),
                control == Facts.ControlSchema.OURS
                        && MigrationStart.hasGeneration(target, migration),
                control == Facts.ControlSchema.OURS ? known(ids) : Set.of());
    }

    private Facts.Switchover collectSwitchover() {
        String reverse = Direction.REVERSE.id(migration);
        List<String> streams = List.of(migration, reverse);
        return new Facts.Switchover(
                controlSchema(source),
                source.server().maySetReplicationRole(),
                source.server().origins(streams),
                target.server().origins(streams),
                target.server().slot(CaptureSettings.slot(reverse)),
                CaptureSettings.publication(reverse),
                target.server().publication(CaptureSettings.publication(reverse)));
    }

    private static Facts.ControlSchema controlSchema(Session session) {
        List<String> row =
                session
                        .texts(
                                """
                                SELECT to_regnamespace('millrace') IS NOT NULL,
                                    coalesce((SELECT has_schema_privilege(n.oid, 'CREATE')
                                        AND has_schema_privilege(n.oid, 'USAGE')
                                        FROM pg_catalog.pg_namespace n
                                        WHERE n.nspname = 'millrace'), false),
                                    EXISTS (SELECT 1 FROM pg_catalog.pg_class c
                                        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                                        WHERE n.nspname = 'millrace' AND c.relkind IN ('r', 'p', 'v')),
                                    EXISTS (SELECT 1 FROM pg_catalog.pg_class c
                                        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                                        WHERE n.nspname = 'millrace' AND c.relname IN ('target_table', 'schema_version'))
                                """)
                        .getFirst()
                        .stream()
                        .map(String::valueOf)
                        .toList();
        if (!isTrue(row.get(0))) {
            return Facts.ControlSchema.ABSENT;
        }
        if (isTrue(row.get(2)) && !isTrue(row.get(3))) {
            return Facts.ControlSchema.FOREIGN;
        }
        return isTrue(row.get(1)) ? Facts.ControlSchema.OURS : Facts.ControlSchema.LOCKED;
    }

    private static boolean isTrue(String text) {
        return text.equals("t");
    }

    /// Skips tables that the role may not read; the check of privileges reports those.
    private Set<TableId> filled(Map<TableId, TableFacts> tables) {
        Set<TableId> filled = new HashSet<>();
        tables.forEach(
                (id, facts) -> {
                    boolean readable =
                            facts.access().select()
                                    && facts.access().schemaUsage()
                                    && !facts.access().rowSecurity();
                    if (readable
                            && !target.texts("SELECT 1 FROM " + Identifier.quote(id) + " LIMIT 1")
                                    .isEmpty()) {
                        filled.add(id);
                    }
                });
        return filled;
    }

    private Set<TableId> known(Set<TableId> tables) {
        MigrationStart start = MigrationStart.read(target, migration);
        return tables.stream().filter(start::isTarget).collect(Collectors.toSet());
    }
}
