package dev.millrace.migration;

import dev.millrace.apply.ReplicaRole;
import dev.millrace.capture.CapturedTable;
import dev.millrace.change.TableId;
import dev.millrace.change.Topics;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecHash.Fingerprint;
import dev.millrace.sql.Relation;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Everything one run is made of, checked before: the spec, what it compiled to, and the ways to
/// the outside.
///
/// @param specHash of what the file means
/// @param captured the source tables that the mappings read
/// @param kafka client settings, at least `bootstrap.servers`
/// @param stateDir a folder for the topologies' state
/// @param who runs this, as the journal names it
/// @param replicaRole what preflight relied on at the target
public record MigrationSetup(
        MigrationSpec spec,
        String specHash,
        List<Mapping> mappings,
        List<CapturedTable> captured,
        Database source,
        Database target,
        Map<String, Object> kafka,
        Path stateDir,
        InstantSource clock,
        String who,
        ReplicaRole replicaRole) {

    public MigrationSetup {
        mappings = List.copyOf(mappings);
        captured = List.copyOf(captured);
        kafka = Map.copyOf(kafka);
    }

    String migration() {
        return spec.migration();
    }

    Topics topics() {
        return new Topics(spec.migration());
    }

    int partitions() {
        return spec.kafka().partitions();
    }

    /// What the file came to mean on these databases: a `*` takes the columns and tables that are
    /// there at the start.
    String meaning() {
        List<String> parts = new ArrayList<>();
        parts.add(specHash);
        mappings.stream().map(MigrationSetup::meaning).sorted().forEach(parts::add);
        return Fingerprint.of(parts);
    }

    private static String meaning(Mapping mapping) {
        List<String> parts = new ArrayList<>();
        parts.add(mapping.target().table().toString());
        parts.addAll(mapping.target().columns());
        parts.addAll(mapping.target().keyColumns());
        mapping.outputs().forEach(type -> parts.add(type.formatted()));
        parts.add(mapping.source().toString());
        parts.add(mapping.rendered());
        return Fingerprint.of(parts);
    }

    List<TableId> targets() {
        return mappings.stream()
                .map(mapping -> mapping.target().table())
                .distinct()
                .sorted()
                .toList();
    }

    List<Relation> sources() {
        return captured.stream().map(CapturedTable::relation).toList();
    }

    KnownTables tables() {
        return KnownTables.of(
                captured.stream().map(table -> table.relation().id()).toList(), targets());
    }
}
