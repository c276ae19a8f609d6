package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.migration.MigrationControl;
import dev.millrace.reconcile.ComparisonProgress.Reading;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.repair.Repair;
import dev.millrace.verdict.Reconciliations.Unfinished;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The values of the page *Reconciliations*.
///
/// @param running the one that runs, then those that wait
/// @param more further ones wait
/// @param rows the finished ones, the newest first
/// @param repairs the last ones, the newest first
public record Reconciliations(
        List<Running> running, boolean more, List<Row> rows, List<RepairRow> repairs) {

    private static final int SHOWN = 10;

    /// @param title what it does
    /// @param since when it began, or was requested
    /// @param percent 0 to 99; `null` if nothing is known
    /// @param address of the request that cancels it
    public record Running(
            String title,
            String since,
            @Nullable Integer percent,
            String progress,
            String address) {

        private static Running of(Unfinished unfinished) {
            Reading reading = unfinished.progress();
            boolean isKnown = !unfinished.incremental() && reading.tables() > 0;
            return new Running(
                    (unfinished.incremental() ? "Touched keys" : "All rows")
                            + ", "
                            + unfinished.state(),
                    Figures.second(unfinished.since().toString()),
                    isKnown && reading.rowsExpected() > 0
                            ? Integer.valueOf(
                                    Overview.percent(reading.rows(), reading.rowsExpected()))
                            : null,
                    isKnown ? progress(reading) : "",
                    "/api/v1/reconciliations/" + unfinished.id());
        }

        private static String progress(Reading reading) {
            return reading.tablesDone()
                    + " of "
                    + reading.tables()
                    + " tables, "
                    + Figures.count(reading.rows())
                    + (reading.rowsExpected() == 0
                            ? ""
                            : " of about " + Figures.count(reading.rowsExpected()))
                    + " rows";
        }
    }

    /// @param details the address of the page of its tables
    /// @param report the address of the whole report
    public record Row(String finished, String took, String verdict, String details, String report) {

        private static Row of(PastVerdict past) {
            return new Row(
                    Figures.second(past.finishedAt().toString()),
                    Figures.duration(Duration.between(past.startedAt(), past.finishedAt())),
                    past.verdict(),
                    "/reconciliation?id=" + past.id(),
                    "/api/v1/reconciliations/" + past.id() + "?format=html");
        }
    }

    /// @param details the address of the page of the repair
    /// @param result the verdict about its rows; `running` before it is known
    public record RepairRow(
            String began,
            String kind,
            String tables,
            String result,
            String reason,
            String details) {

        static RepairRow of(Repair.Summary repair) {
            return new RepairRow(
                    Figures.second(repair.startedAt().toString()),
                    repair.dryRun() ? "dry run" : "repair",
                    repair.targets().isEmpty() ? "all tables" : shortened(repair.targets()),
                    repair.verdict() == null ? repair.state().id() : repair.verdict(),
                    repair.reason(),
                    "/repair?id=" + repair.id());
        }

        private static String shortened(List<String> tables) {
            return String.join(", ", tables.subList(0, Math.min(SHOWN, tables.size())))
                    + (tables.size() > SHOWN ? " …" : "");
        }
    }

    static Reconciliations of(MigrationControl control) {
        List<Unfinished> unfinished = control.unfinishedReconciliations();
        return new Reconciliations(
                unfinished.stream().limit(SHOWN).map(Running::of).toList(),
                unfinished.size() > SHOWN,
                control.reconciliations().stream().map(Row::of).toList(),
                control.repairs().recent().stream().map(RepairRow::of).toList());
    }
}
