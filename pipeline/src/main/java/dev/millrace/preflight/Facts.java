package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Publication;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
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

/// What was gathered of both sides for the tables of one migration.
///
/// @param tables what the file asks for, as far as its tables exist on both sides
record Facts(Source source, Target target, List<Pairing> tables) {

    Facts {
        tables = List.copyOf(tables);
    }

    /// One mapping before it is judged.
    ///
    /// @param computed source columns that the SELECT uses other than by copying them
    /// @param copied source columns that it copies
    /// @param filtered it has a WHERE
    record Pairing(
            Relation source,
            Relation target,
            Set<String> computed,
            Set<String> copied,
            boolean filtered) {

        Pairing {
            computed = Set.copyOf(computed);
            copied = Set.copyOf(copied);
        }
    }

    /// @param slotName and publicationName: what the migration calls them on the source
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

    /// @param mayBeReplica the role may set `session_replication_role`
    /// @param filled target tables that hold rows
    /// @param begun this migration has begun on this target
    /// @param known target tables that this migration took over before
    record Target(
            Server.Facts server,
            boolean mayBeReplica,
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

    /// The schema `millrace` on the target.
    enum ControlSchema {
        ABSENT,
        OURS,
        /// It is there and the role may not create in it.
        LOCKED,
        /// It holds other things than ours.
        FOREIGN
    }

    /// Each source table once, however many mappings read it.
    Collection<Relation> sourceRelations() {
        SortedMap<TableId, Relation> relations = new TreeMap<>();
        tables.forEach(pairing -> relations.put(pairing.source().id(), pairing.source()));
        return relations.values();
    }

    SortedSet<TableId> sources() {
        SortedSet<TableId> ids = new TreeSet<>();
        tables.forEach(pairing -> ids.add(pairing.source().id()));
        return ids;
    }

    /// What is known of the source tables, in the order of their names.
    List<TableFacts> sourceTables() {
        return known(sources(), source.tables());
    }

    SortedSet<TableId> targets() {
        SortedSet<TableId> ids = new TreeSet<>();
        tables.forEach(pairing -> ids.add(pairing.target().id()));
        return ids;
    }

    /// What is known of the target tables, in the order of their names.
    List<TableFacts> targetTables() {
        return known(targets(), target.tables());
    }

    private static List<TableFacts> known(SortedSet<TableId> ids, Map<TableId, TableFacts> tables) {
        return ids.stream().flatMap(id -> Stream.ofNullable(tables.get(id))).toList();
    }
}
