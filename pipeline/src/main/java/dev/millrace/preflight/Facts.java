package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Publication;
import dev.millrace.postgres.ReplicationOrigins;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.sql.Relation;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The facts about both databases for the tables of one migration. Immutable.
///
/// @param tables the declared tables that exist on both sides
record Facts(Source source, Target target, Switchover switchover, List<CompiledTable> tables) {

    Facts {
        tables = List.copyOf(tables);
    }

    /// @param slotName name of the migration's replication slot
    /// @param publicationName name of the migration's publication
    record Source(
            Server.Facts server,
            String slotName,
            Optional<ReplicationSlot> slot,
            String publicationName,
            Optional<Publication> publication,
            Map<TableId, TableFacts> tables) {

        Source {
            tables = Map.copyOf(tables);
        }
    }

    /// @param maySetReplicaRole the role may set `session_replication_role`
    /// @param filled target tables that contain rows
    /// @param begun this migration has started on this target before
    /// @param known target tables that this migration already writes
    record Target(
            Server.Facts server,
            boolean maySetReplicaRole,
            ControlSchema control,
            Map<TableId, TableFacts> tables,
            Set<TableId> filled,
            boolean begun,
            Set<TableId> known) {

        Target {
            tables = Map.copyOf(tables);
            filled = Set.copyOf(filled);
            known = Set.copyOf(known);
        }
    }

    /// What a switchover and the reverse stream need on both sides, beyond what the forward stream
    /// needs.
    ///
    /// @param sourceControl the schema `millrace` on the source
    /// @param sourceReplicaRole the role may set `session_replication_role` on the source
    /// @param reverseSlot the reverse stream's slot on the target
    /// @param reversePublicationName name of the reverse stream's publication
    /// @param reversePublication that publication on the target
    record Switchover(
            ControlSchema sourceControl,
            boolean sourceReplicaRole,
            ReplicationOrigins sourceOrigins,
            ReplicationOrigins targetOrigins,
            Optional<ReplicationSlot> reverseSlot,
            String reversePublicationName,
            Optional<Publication> reversePublication) {}

    /// The state of the schema `millrace` on one side.
    enum ControlSchema {
        ABSENT,
        OURS,
        /// It exists, but the role may not create tables in it.
        LOCKED,
        /// It exists, but contains tables that are not Millrace's.
        FOREIGN
    }

    /// Whether both databases are known to be on one server, whose limits then count for both.
    boolean oneServer() {
        Optional<String> identifier = source.server().systemIdentifier();
        return identifier.isPresent() && identifier.equals(target.server().systemIdentifier());
    }

    /// The source tables, each once however many mappings read it.
    Collection<Relation> sourceRelations() {
        SortedMap<TableId, Relation> relations = new TreeMap<>();
        tables.forEach(table -> relations.put(table.source().id(), table.source()));
        return relations.values();
    }

    SortedSet<TableId> sources() {
        SortedSet<TableId> ids = new TreeSet<>();
        tables.forEach(table -> ids.add(table.source().id()));
        return ids;
    }

    /// Facts about the source tables, ordered by name.
    List<TableFacts> sourceTables() {
        return known(sources(), source.tables());
    }

    SortedSet<TableId> targets() {
        SortedSet<TableId> ids = new TreeSet<>();
        tables.forEach(table -> ids.add(table.target().id()));
        return ids;
    }

    /// Facts about the target tables, ordered by name.
    List<TableFacts> targetTables() {
        return known(targets(), target.tables());
    }

    private static List<TableFacts> known(SortedSet<TableId> ids, Map<TableId, TableFacts> tables) {
        return ids.stream().flatMap(id -> Stream.ofNullable(tables.get(id))).toList();
    }

    /// One check of the collected facts. Pure: queries no server, changes nothing, and throws
    /// nothing because of the facts. Returns at least one finding, so that a report shows what was
    /// checked.
    interface Check {

        List<Finding> judge(Facts facts);
    }
}
