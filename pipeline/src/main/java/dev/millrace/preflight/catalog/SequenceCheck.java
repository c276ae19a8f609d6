package dev.millrace.preflight.catalog;

import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import dev.millrace.sequences.TargetSequences;
import dev.millrace.sequences.TargetSequences.SchemaPair;
import dev.millrace.sequences.TargetSequences.Scope;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.TableEntry;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Says early what a switchover needs to advance the sequences of the target. Only warns: the
/// migration can start without it.
public final class SequenceCheck {

    private SequenceCheck() {}

    public static List<Finding> judge(
            MigrationSpec spec, Session source, Session target, List<CompiledTable> tables) {
        Findings findings = new Findings(CheckName.SWITCHOVER_SEQUENCES);
        try {
            TargetSequences.readability(scope(spec, tables), source, target)
                    .forEach(
                            found ->
                                    findings.warn(
                                            found.object(),
                                            found.message(),
                                            Remedy.of(
                                                    found.object().endsWith("of the source")
                                                            ? Place.SOURCE
                                                            : Place.TARGET,
                                                    found.remedy())));
        } catch (SQLException e) {
            throw new DatabaseFailure("Cannot read the sequences", e);
        }
        return findings.orOk("sequences", "can be read on the source and set on the target");
    }

    private static Scope scope(MigrationSpec spec, List<CompiledTable> tables) {
        return new Scope(
                tables.stream().map(CompiledTable::mapping).flatMap(Optional::stream).toList(),
                spec.tables().stream().flatMap(SequenceCheck::schemas).toList());
    }

    private static Stream<SchemaPair> schemas(TableEntry entry) {
        return switch (entry) {
            case TableEntry.Wildcard wildcard ->
                    Stream.of(new SchemaPair(wildcard.sourceSchema(), wildcard.targetSchema()));
            case TableEntry.Select _ -> Stream.empty();
        };
    }
}
