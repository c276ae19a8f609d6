package dev.millrace.preflight;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.sql.TableRule.PartOfRow;
import dev.millrace.apply.sql.TableRule.Truncation;
import dev.millrace.capture.CapturedTable;
import dev.millrace.change.TableId;
import dev.millrace.control.ControlSchema;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.WayBack;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.spec.source.TruncateSetting;
import dev.millrace.sql.Relation;
import dev.millrace.stream.ReplicationStream.Tables;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// The findings of all checks, and the planned tables. Immutable.
///
/// @param tables in the order of the file, with wildcards expanded; empty unless every finding
///   passes
/// @param replicaRole the replication role that the target's sessions may use; the findings depend
///   on it
/// @param reversal empty unless every finding passes
public record PreflightReport(
        String migration,
        List<Finding> findings,
        List<PlannedTable> tables,
        ReplicaRole replicaRole,
        Reversal reversal) {

    public PreflightReport {
        findings = List.copyOf(findings);
        tables = List.copyOf(tables);
        if (!tables.isEmpty() && !findings.stream().allMatch(found -> found.status().passes())) {
            throw new IllegalArgumentException(
                    "tables are planned although a finding refuses" + " the start");
        }
    }

    public List<Mapping> mappings() {
        return tables.stream().map(PlannedTable::mapping).toList();
    }

    /// The source tables that the mappings read, each once.
    public List<CapturedTable> captured() {
        return tables.stream()
                .map(table -> new CapturedTable(table.source(), table.fullIdentity()))
                .distinct()
                .toList();
    }

    /// True when no finding refuses the start.
    public boolean accepted() {
        return outcome().passes();
    }

    /// The worst status, which is what to fix first: an unreachable server, then the file, then a
    /// requirement of a server.
    public Status outcome() {
        return findings.stream()
                .map(Finding::status)
                .max((one, other) -> Integer.compare(rank(one), rank(other)))
                .orElse(Status.OK);
    }

    private static int rank(Status status) {
        return switch (status) {
            case OK -> 0;
            case WARNING -> 1;
            case REFUSED -> 2;
            case MISCONFIGURED -> 3;
            case UNREACHABLE -> 4;
        };
    }

    /// What a stream from the target to the source needs. Immutable.
    ///
    /// @param ways one or more for each source table, in the order of the file
    /// @param captured the target tables, each once
    /// @param replicaRole the replication role that the source's sessions may use
    public record Reversal(
            List<WayBack> ways, List<CapturedTable> captured, ReplicaRole replicaRole) {

        /// No table is planned.
        public static final Reversal NONE = new Reversal(List.of(), List.of(), ReplicaRole.ORIGIN);

        public Reversal {
            ways = List.copyOf(ways);
            captured = List.copyOf(captured);
        }

        /// What the stream replicates; empty if changes of a target table would be lost.
        ///
        /// @param stream its identifier
        /// @param truncate the file's setting
        public Optional<Tables> tables(String stream, TruncateSetting truncate) {
            List<Mapping> mappings = new ArrayList<>();
            Map<TableId, TableRule> rules = new HashMap<>();
            for (WayBack way : ways) {
                switch (way) {
                    case WayBack.Whole whole -> {
                        mappings.add(whole.mapping());
                        rules.put(
                                whole.mapping().target().table(),
                                new TableRule(
                                        whole.kept(),
                                        truncation(whole.mapping(), truncate),
                                        whole.part().map(part -> part(whole, part, stream))));
                    }
                    case WayBack.Partial _ -> {
                        return Optional.empty();
                    }
                }
            }
            Set<TableId> read = mappings.stream().map(Mapping::source).collect(Collectors.toSet());
            return mappings.isEmpty()
                    ? Optional.empty()
                    : Optional.of(
                            new Tables(
                                    mappings,
                                    captured.stream()
                                            .filter(table -> read.contains(table.relation().id()))
                                            .toList(),
                                    rules));
        }

        private static Truncation truncation(Mapping back, TruncateSetting truncate) {
            return truncate.refuses(back.source())
                    ? new Truncation.Refused()
                    : back.within()
                            .<Truncation>map(Truncation.Rows::new)
                            .orElseGet(Truncation.Table::new);
        }

        private PartOfRow part(WayBack.Whole whole, WayBack.PartOf part, String stream) {
            List<TableId> split =
                    ways.stream()
                            .filter(
                                    way ->
                                            way instanceof WayBack.Whole(_, _, var of)
                                                    && of.isPresent())
                            .map(WayBack::source)
                            .distinct()
                            .toList();
            return new PartOfRow(
                    ControlSchema.incompleteRows(split.indexOf(whole.source()), stream),
                    whole.mapping().target().keyColumns(),
                    part);
        }
    }

    /// The planned form of one target table: its compiled mapping, and both tables as their
    /// catalogs describe them.
    ///
    /// @param fullIdentity the source table has REPLICA IDENTITY FULL
    public record PlannedTable(
            Mapping mapping, Relation source, Relation target, boolean fullIdentity) {}
}
