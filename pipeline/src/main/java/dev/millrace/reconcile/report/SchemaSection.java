package dev.millrace.reconcile.report;

import dev.millrace.parity.SchemaFinding;
import dev.millrace.parity.SchemaParity;
import dev.millrace.reconcile.ReconciliationReport;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// What the schema of the target lacks, as every document says it. Immutable.
///
/// @param note what is to be said if there is no finding; empty otherwise
/// @param rows what blocks comes first
public record SchemaSection(State state, String note, List<Row> rows) {

    static final String TITLE = "Schema of the target";

    /// The heads of [Row].
    static final List<String> COLUMNS = List.of("Object", "Severity", "Finding", "Remedy");

    public enum State {
        COMPLETE,
        BLOCKS,
        UNKNOWN
    }

    public record Row(String object, String severity, String finding, String remedy) {

        private static Row of(SchemaFinding finding) {
            return new Row(
                    VisibleText.of(finding.object()),
                    finding.severity().word(),
                    VisibleText.of(finding.message()),
                    VisibleText.of(finding.remedy()));
        }

        String sentence() {
            return "%s: %s %s. %s".formatted(severity, object, finding, remedy).strip();
        }
    }

    /// @return empty if the schema was not compared
    static Optional<SchemaSection> of(ReconciliationReport report) {
        return Optional.ofNullable(report.schema()).map(SchemaSection::of);
    }

    private static SchemaSection of(SchemaParity.Report schema) {
        if (schema.unknown() != null) {
            return new SchemaSection(
                    State.UNKNOWN, "Unknown: " + VisibleText.of(schema.unknown()), List.of());
        }
        List<Row> rows =
                schema.findings().stream()
                        .sorted(Comparator.comparing(SchemaFinding::severity))
                        .map(Row::of)
                        .toList();
        return new SchemaSection(
                schema.findings().stream().anyMatch(SchemaFinding::blocks)
                        ? State.BLOCKS
                        : State.COMPLETE,
                rows.isEmpty() ? "Nothing is missing." : "",
                rows);
    }
}
