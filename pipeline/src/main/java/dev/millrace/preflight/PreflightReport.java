package dev.millrace.preflight;

import dev.millrace.apply.ReplicaRole;
import dev.millrace.capture.CapturedTable;
import dev.millrace.mapping.Mapping;
import dev.millrace.preflight.Finding.Status;
import dev.millrace.sql.Relation;
import java.util.List;

/// The findings of all checks, and the planned tables. Immutable.
///
/// @param tables in the order of the file, with wildcards expanded; empty unless every finding
///   passes
/// @param replicaRole the replication role that the target's sessions may use; the findings depend
///   on it
public record PreflightReport(
        String migration,
        List<Finding> findings,
        List<PlannedTable> tables,
        ReplicaRole replicaRole) {

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

    /// The planned form of one target table: its compiled mapping, and both tables as their
    /// catalogs describe them.
    ///
    /// @param fullIdentity the source table has REPLICA IDENTITY FULL
    public record PlannedTable(
            Mapping mapping, Relation source, Relation target, boolean fullIdentity) {}
}
