package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.migration.MigrationControl;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// The values of the page of one finished reconciliation: its tables, and how the rows that differ
/// can be repaired. The report has the rows.
///
/// @param reason why it is undecided as a whole; empty if it is not
/// @param rows tables that differ come first, then undecided ones
/// @param more there are more tables than are shown
/// @param repair of the tables that differ; `null` if none does
public record ComparedTables(
        String verdict,
        String finished,
        String reason,
        List<Row> rows,
        boolean more,
        @Nullable RepairForm repair,
        String report) {

    private static final int SHOWN = 200;

    /// More tables are repaired with all others.
    private static final int NAMED = 20;

    /// @param differences missing, extra and different rows
    /// @param cause why the table is undecided; empty if it is not
    public record Row(String target, String verdict, String differences, String cause) {}

    /// A request to repair these tables.
    ///
    /// @param body the fixed fields of the request
    /// @param options of the command
    public record RepairForm(String body, String options) {

        /// @param tables all if there are very many
        static RepairForm of(List<String> tables, boolean dryRun) {
            List<String> named = tables.size() > NAMED ? List.of() : tables;
            return new RepairForm(
                    JsonMapper.shared()
                            .writeValueAsString(
                                    dryRun
                                            ? Map.of("tables", named, "dryRun", true)
                                            : Map.of("tables", named)),
                    named.stream().map(table -> " --table " + table).collect(Collectors.joining()));
        }
    }

    /// @return empty if no finished reconciliation has this id
    static Optional<ComparedTables> of(MigrationControl control, UUID id) {
        return control.reconciliation(id)
                .filter(ReconciliationState.Finished.class::isInstance)
                .map(ReconciliationState.Finished.class::cast)
                .map(finished -> of(id, finished.report()));
    }

    private static ComparedTables of(UUID id, ReconciliationReport report) {
        List<String> different =
                report.tables().stream()
                        .filter(table -> table.verdict() == Verdict.DIFFERENT)
                        .map(TableReport::target)
                        .toList();
        return new ComparedTables(
                report.verdict().word(),
                Figures.second(report.finishedAt().toString()),
                report.reason() == null ? "" : report.reason(),
                report.tables().stream()
                        .sorted(Comparator.comparing(table -> urgency(table.verdict())))
                        .limit(SHOWN)
                        .map(ComparedTables::row)
                        .toList(),
                report.tables().size() > SHOWN,
                different.isEmpty() ? null : RepairForm.of(different, true),
                "/api/v1/reconciliations/" + id + "?format=html");
    }

    private static int urgency(Verdict verdict) {
        return switch (verdict) {
            case DIFFERENT -> 0;
            case UNDECIDED -> 1;
            case EQUAL -> 2;
        };
    }

    private static Row row(TableReport table) {
        return new Row(
                table.target(),
                table.verdict().word(),
                Figures.count(table.differences()),
                table.cause() == null ? "" : table.cause());
    }
}
