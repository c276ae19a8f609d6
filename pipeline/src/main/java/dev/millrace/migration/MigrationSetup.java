package dev.millrace.migration;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Database;
import dev.millrace.select.Mapping;
import dev.millrace.source.CapturedTable;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.streams.Topics;
import java.nio.file.Path;
import java.time.InstantSource;
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
        String who) {

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

    List<TableId> targets() {
        return mappings.stream()
                .map(mapping -> mapping.target().table())
                .distinct()
                .sorted()
                .toList();
    }
}
