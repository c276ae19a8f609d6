package dev.millrace.preflight.catalog;

import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.WayBack;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.compile.SpecCompiler.Compilation;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import dev.millrace.sequences.SequencePlan;
import dev.millrace.sequences.TargetSequences;
import dev.millrace.sequences.TargetSequences.Direction;
import dev.millrace.sequences.TargetSequences.Scope;
import dev.millrace.spec.MigrationSpec;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Says early what a switchover needs to advance the sequences of the target, and a rollback to
/// advance those of the source. Only warns: the migration can start without it.
public final class SequenceCheck {

    private SequenceCheck() {}

    public static List<Finding> judge(
            MigrationSpec spec, Session source, Session target, Compilation compiled) {
        Findings findings = new Findings(CheckName.SWITCHOVER_SEQUENCES);
        try {
            joined(
                            TargetSequences.readability(forward(spec, compiled), source, target),
                            TargetSequences.obstacles(back(spec, compiled), target, source))
                    .forEach(
                            found ->
                                    findings.warn(
                                            found.object(),
                                            found.message(),
                                            Remedy.of(
                                                    isOfSource(found) ? Place.SOURCE : Place.TARGET,
                                                    found.remedy())));
        } catch (SQLException e) {
            throw new DatabaseFailure("Cannot read the sequences", e);
        }
        return findings.orOk("sequences", "can be read and set on both sides");
    }

    /// Of two findings about the privileges on one sequence, that of the operation which sets it:
    /// it needs to read it, too.
    private static Stream<SequencePlan.Finding> joined(
            List<SequencePlan.Finding> ofSwitchover, List<SequencePlan.Finding> ofRollback) {
        Set<String> setOnTarget = objects(ofSwitchover);
        Set<String> setOnSource = objects(ofRollback);
        return Stream.concat(
                ofSwitchover.stream()
                        .filter(
                                found ->
                                        !found.blocks()
                                                || !isOfSource(found)
                                                || !setOnSource.contains(found.object())),
                ofRollback.stream()
                        .filter(
                                found ->
                                        isOfSource(found)
                                                || !setOnTarget.contains(found.object())));
    }

    private static Set<String> objects(Collection<SequencePlan.Finding> findings) {
        return findings.stream()
                .filter(SequencePlan.Finding::blocks)
                .map(SequencePlan.Finding::object)
                .collect(Collectors.toSet());
    }

    private static boolean isOfSource(SequencePlan.Finding found) {
        return found.object().endsWith("of the source");
    }

    private static Scope forward(MigrationSpec spec, Compilation compiled) {
        return Scope.of(
                Direction.FORWARD,
                spec,
                compiled.tables().stream()
                        .map(CompiledTable::mapping)
                        .flatMap(Optional::stream)
                        .toList());
    }

    private static Scope back(MigrationSpec spec, Compilation compiled) {
        return Scope.of(
                Direction.BACK,
                spec,
                compiled.back().stream().flatMap(SequenceCheck::way).toList());
    }

    private static Stream<Mapping> way(WayBack way) {
        return switch (way) {
            case WayBack.Whole whole -> Stream.of(whole.mapping());
            case WayBack.Partial _ -> Stream.empty();
        };
    }
}
