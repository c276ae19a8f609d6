package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.http.MigrationDefinition;
import dev.millrace.http.MigrationDefinition.TableDefinition;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.replication.RefusedException;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The values of the page of one target table.
///
/// @param name of the target table
/// @param row as the list shows it
/// @param lag of the whole migration: changes of one table are not counted apart
/// @param definition `null` if it is not known, or was not asked for
/// @param verdict the last one that is about the table; `null` without one, or if it was not asked
///   for
public record TableDetails(
        String name,
        Tables.Row row,
        String lag,
        @Nullable TableDefinition definition,
        @Nullable Verdict verdict) {

    /// @param report the address of the whole report
    /// @param at when the comparison finished
    public record Verdict(String word, String at, String differences, String report) {}

    /// Reads reports, so a page does it once, when it is opened.
    ///
    /// @throws RefusedException if the migration has no such table
    static TableDetails of(
            MigrationControl control,
            StatusReport status,
            MigrationDefinition definition,
            String name) {
        TableDetails details = progress(status, name);
        Optional<TableDefinition> known = definition.table(name);
        String compared =
                status.phase().equals("REVERSIBLE")
                        ? known.map(TableDefinition::source).orElse(name)
                        : name;
        return new TableDetails(
                name,
                details.row(),
                details.lag(),
                known.orElse(null),
                verdict(control, compared).orElse(null));
    }

    /// Only what changes while the migration runs.
    ///
    /// @throws RefusedException if the migration has no such table
    static TableDetails progress(StatusReport status, String name) {
        Tables.Row row =
                status.tables().stream()
                        .filter(table -> table.target().equals(name))
                        .findFirst()
                        .map(Tables::row)
                        .orElseThrow(
                                () ->
                                        new RefusedException(
                                                "The migration has no target table of this name."
                                                        + " See the page Tables"));
        return new TableDetails(
                name, row, Figures.seconds(status.lag().endToEndSeconds()), null, null);
    }

    private static Optional<Verdict> verdict(MigrationControl control, String table) {
        List<PastVerdict> past = control.reconciliations();
        for (PastVerdict each : past) {
            if (control.reconciliation(each.id()).orElse(null)
                    instanceof ReconciliationState.Finished(var report)) {
                Optional<TableReport> found =
                        report.tables().stream()
                                .filter(compared -> compared.target().equals(table))
                                .findFirst();
                if (found.isPresent()) {
                    return Optional.of(verdict(each, found.get()));
                }
            }
        }
        return Optional.empty();
    }

    private static Verdict verdict(PastVerdict past, TableReport report) {
        return new Verdict(
                report.verdict().word(),
                Figures.second(past.finishedAt().toString()),
                Figures.count(report.differences()),
                "/api/v1/reconciliations/" + past.id() + "?format=html");
    }
}
