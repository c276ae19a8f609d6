package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.console.Reconciliations.RepairRow;
import dev.millrace.http.MigrationDefinition;
import dev.millrace.http.MigrationDefinition.TableDefinition;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import dev.millrace.preview.RowPreview;
import dev.millrace.replication.RefusedException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The values of the page of one target table.
///
/// @param name of the target table
/// @param row as the list shows it
/// @param lag of the whole migration: changes of one table are not counted apart
/// @param definition `null` if it is not known, or was not asked for
/// @param verdicts about the table, the newest first
/// @param repairs of the table, the newest first
/// @param samples rows with what becomes of them; `null` if they were not asked for
public record TableDetails(
        String name,
        Tables.Row row,
        String lag,
        @Nullable TableDefinition definition,
        List<Tables.Verdict> verdicts,
        List<RepairRow> repairs,
        @Nullable List<RowPreview.Sample> samples) {

    /// Reads reports, so a page does it once, when it is opened.
    ///
    /// @throws RefusedException if the migration has no such table
    static TableDetails of(
            MigrationControl control,
            StatusReport status,
            MigrationDefinition definition,
            Tables.Sources from,
            String name) {
        TableDetails details = progress(status, from, name);
        Optional<TableDefinition> known = definition.table(name);
        return new TableDetails(
                name,
                details.row(),
                details.lag(),
                known.orElse(null),
                from.verdicts().of(control, Tables.compared(status, definition, name)),
                control.repairs().recent().stream()
                        .filter(each -> each.targets().isEmpty() || each.targets().contains(name))
                        .map(RepairRow::of)
                        .toList(),
                null);
    }

    TableDetails with(List<RowPreview.Sample> rows) {
        return new TableDetails(name, row, lag, definition, verdicts, repairs, rows);
    }

    /// Only what changes while the migration runs.
    ///
    /// @throws RefusedException if the migration has no such table
    static TableDetails progress(StatusReport status, Tables.Sources from, String name) {
        Tables.Row row =
                status.tables().stream()
                        .filter(table -> table.target().equals(name))
                        .findFirst()
                        .map(table -> Tables.row(table, from.samples(), Optional.empty()))
                        .orElseThrow(
                                () ->
                                        new RefusedException(
                                                "The migration has no target table of this name."
                                                        + " See the page Tables"));
        return new TableDetails(
                name,
                row,
                Figures.seconds(status.lag().endToEndSeconds()),
                null,
                List.of(),
                List.of(),
                null);
    }
}
