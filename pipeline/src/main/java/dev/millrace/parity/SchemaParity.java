package dev.millrace.parity;

import dev.millrace.change.TableId;
import dev.millrace.lifecycle.Incident;
import dev.millrace.mapping.Mapping;
import dev.millrace.parity.ColumnComparison.Facts;
import dev.millrace.parity.SchemaFinding.Kind;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.sequences.SequencePlan;
import dev.millrace.sequences.SequencePlan.Move;
import dev.millrace.sequences.TargetSequences;
import dev.millrace.sql.Relation;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Compares the schema of the target tables with what their mappings and source tables say. Reads
/// catalogs and the positions of sequences; changes nothing. Thread-safe; each call takes its own
/// sessions.
///
/// @param comparing the roles of comparisons, which need no privilege on the other side
public record SchemaParity(Database source, Database target, Set<String> comparing) {

    private static final Logger LOG = LoggerFactory.getLogger(SchemaParity.class);

    public SchemaParity {
        comparing = Set.copyOf(comparing);
    }

    /// Of each statement that looks for the largest value of a column.
    private static final Duration LARGEST_VALUE = Duration.ofSeconds(5);

    /// What was found. It is also the JSON that other tools read. Immutable.
    ///
    /// @param unknown why the schema could not be read; `null` if it was
    public record Report(List<SchemaFinding> findings, @Nullable String unknown) {

        public Report {
            findings = List.copyOf(findings);
        }
    }

    /// Everything that differs.
    ///
    /// @param all every mapping of the stream
    /// @param compared those whose target tables are compared
    public Report report(List<Mapping> all, List<Mapping> compared) {
        List<SchemaFinding> findings = new ArrayList<>();
        try {
            try (Session from = source.session();
                    Session to = target.session()) {
                Facts facts = facts(from, to, all);
                findings.addAll(columns(from, to, compared, facts));
                Map<TableId, List<Mapping>> readers =
                        all.stream().collect(Collectors.groupingBy(Mapping::source));
                compared.forEach(
                        mapping -> findings.addAll(KeyComparison.of(mapping, readers, facts)));
                UnfinishedObjects.read(to, targets(compared))
                        .forEach(each -> findings.add(each.finding()));
                findings.addAll(privileges(from, to, compared));
            }
            findings.addAll(sequences(compared));
        } catch (SQLException | DatabaseFailure e) {
            return new Report(
                    List.of(),
                    Incident.reason(LOG, "The schema of the target could not be compared.", e));
        }
        return new Report(findings.stream().distinct().toList(), null);
    }

    /// What the columns of the target lack, so that statements which succeed on the source would
    /// fail there, each with its remedy. Constraints, indexes, sequences and privileges have other
    /// gates.
    ///
    /// @throws DatabaseFailure if a catalog cannot be read
    public List<String> lackingColumns(List<Mapping> mappings) {
        try (Session from = source.session();
                Session to = target.session()) {
            return columns(from, to, mappings, facts(from, to, mappings)).stream()
                    .filter(SchemaFinding::blocks)
                    .map(SchemaFinding::sentence)
                    .distinct()
                    .toList();
        }
    }

    private static Facts facts(Session from, Session to, List<Mapping> mappings) {
        return new Facts(
                SchemaFacts.read(from, NamedTables.of(sources(mappings))),
                SchemaFacts.read(to, NamedTables.of(targets(mappings))));
    }

    private static List<SchemaFinding> columns(
            Session from, Session to, List<Mapping> mappings, Facts facts) {
        Map<TableId, Relation> ofSource = from.sourceCatalog().relations(sources(mappings));
        Map<TableId, Relation> ofTarget = to.targetCatalog().relations(targets(mappings));
        List<SchemaFinding> findings = new ArrayList<>();
        for (Mapping mapping : mappings) {
            Relation read = ofSource.get(mapping.source().whole());
            if (read != null) {
                findings.addAll(
                        ColumnComparison.of(
                                mapping,
                                read,
                                ofTarget.get(mapping.target().table().whole()),
                                facts));
            }
        }
        return findings;
    }

    private static Set<TableId> sources(Collection<Mapping> mappings) {
        return mappings.stream()
                .map(mapping -> mapping.source().whole())
                .collect(Collectors.toSet());
    }

    private static Set<TableId> targets(Collection<Mapping> mappings) {
        return mappings.stream()
                .map(mapping -> mapping.target().table().whole())
                .collect(Collectors.toSet());
    }

    private List<SchemaFinding> privileges(Session from, Session to, List<Mapping> mappings) {
        Map<TableId, Set<TableId>> readers =
                mappings.stream()
                        .collect(
                                Collectors.groupingBy(
                                        mapping -> mapping.source().whole(),
                                        Collectors.mapping(
                                                mapping -> mapping.target().table().whole(),
                                                Collectors.toSet())));
        return RolePrivileges.lacking(
                        RolePrivileges.read(from, sources(mappings)),
                        RolePrivileges.read(to, targets(mappings)),
                        readers)
                .stream()
                .filter(each -> !comparing.contains(each.role()))
                .map(RolePrivileges.Lacking::finding)
                .toList();
    }

    private List<SchemaFinding> sequences(List<Mapping> mappings) throws SQLException {
        SequencePlan plan =
                new TargetSequences(
                                source,
                                target,
                                new TargetSequences.Scope(
                                        TargetSequences.Direction.FORWARD, mappings, List.of()),
                                LARGEST_VALUE)
                        .plan(TargetSequences.MARGIN);
        List<SchemaFinding> findings = new ArrayList<>();
        for (SequencePlan.Finding found : plan.findings()) {
            findings.add(
                    new SchemaFinding(
                            found.blocks()
                                    ? SchemaFinding.Severity.BLOCKS
                                    : SchemaFinding.Severity.WARNING,
                            Kind.SEQUENCE,
                            found.object(),
                            found.message(),
                            found.remedy()));
        }
        plan.moves().stream()
                .filter(Move::changes)
                .map(SchemaParity::behind)
                .forEach(findings::add);
        return findings;
    }

    private static SchemaFinding behind(Move move) {
        return SchemaFinding.warning(
                Kind.SEQUENCE,
                "sequence " + move.sequence(),
                "is at %s, which is not ahead of %s; the switchover advances it"
                        .formatted(move.from(), move.basis()),
                "SELECT pg_catalog.setval(%s, %d, %s);"
                        .formatted(
                                Identifier.literal(Identifier.quote(move.sequence())),
                                move.to().lastValue(),
                                move.to().called()));
    }
}
