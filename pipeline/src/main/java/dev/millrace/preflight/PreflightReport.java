package dev.millrace.preflight;

import dev.millrace.apply.ReplicaRole;
import dev.millrace.capture.CapturedTable;
import dev.millrace.mapping.Mapping;
import dev.millrace.preflight.Finding.Status;
import dev.millrace.sql.Relation;
import java.util.List;

/// All that was checked.
///
/// @param tables in the order of the file, wildcards expanded; empty unless every finding passes
/// @param replicaRole what the role on the target may take, and the findings rely on
public record PreflightReport(
        String migration,
        List<Finding> findings,
        List<PlannedTable> tables,
        ReplicaRole replicaRole) {

    public PreflightReport {
        findings = List.copyOf(findings);
        tables = List.copyOf(tables);
        if (!tables.isEmpty() && !findings.stream().allMatch(found -> found.status().passes())) {
            throw new IllegalArgumentException("nothing is planned while a finding refuses it");
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

    /// Nothing refuses the start.
    public boolean accepted() {
        return outcome().passes();
    }

    /// The worst that was found, which is what has to be mended first: a server that doesn't
    /// answer, then the file, then a gate.
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

    /// One target table, ready to be migrated: its compiled mapping and both tables as their
    /// catalogs describe them.
    ///
    /// @param fullIdentity the source table has REPLICA IDENTITY FULL
    public record PlannedTable(
            Mapping mapping, Relation source, Relation target, boolean fullIdentity) {}
}
