package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.http.MigrationDefinition;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Backfill;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/// The values of the page *Tables*: unfinished and stopped tables come first.
///
/// @param more there are more tables than are shown
/// @param lag of the whole migration: changes of one table are not counted apart
public record Tables(List<Row> rows, boolean more, String lag) {

    static final int SHOWN = 500;

    /// @param details the address of the page of the table
    /// @param percent 0 to 100; `null` without an estimate
    /// @param waiting changes that are not applied
    /// @param keys keys that wait for an operator, and those that are tried again
    /// @param rate at which the backfill reads it; empty if it does not, or it is unknown
    /// @param stopped why the table is stopped; empty if it is not
    /// @param verdict the last one about the table; `null` without one
    public record Row(
            String target,
            String details,
            String sources,
            @Nullable Integer percent,
            String progress,
            String rate,
            String waiting,
            String keys,
            String stopped,
            @Nullable Verdict verdict) {}

    /// @param at when the comparison finished
    /// @param details the address of the page of the comparison
    /// @param report the address of the whole report
    public record Verdict(
            String word, String at, String differences, String details, String report) {}

    /// Where the values come from that the status does not have.
    record Sources(Samples samples, PastVerdicts verdicts) {}

    static Tables of(
            MigrationControl control,
            StatusReport status,
            MigrationDefinition definition,
            Sources from) {
        Map<String, Verdict> verdicts = from.verdicts().last(control);
        return new Tables(
                status.tables().stream()
                        .map(
                                table ->
                                        row(
                                                table,
                                                from.samples(),
                                                Optional.ofNullable(
                                                        verdicts.get(
                                                                compared(
                                                                        status,
                                                                        definition,
                                                                        table.target())))))
                        .sorted((a, b) -> Integer.compare(urgency(b), urgency(a)))
                        .limit(SHOWN)
                        .toList(),
                status.tables().size() > SHOWN,
                Figures.seconds(status.lag().endToEndSeconds()));
    }

    /// The name of a table in reports: after a switchover they are about the source.
    static String compared(StatusReport status, MigrationDefinition definition, String target) {
        return status.phase().equals("REVERSIBLE")
                ? definition
                        .table(target)
                        .map(MigrationDefinition.TableDefinition::source)
                        .orElse(target)
                : target;
    }

    private static int urgency(Row row) {
        if (!row.stopped().isEmpty()) {
            return 2;
        }
        return row.percent() != null && row.percent() == 100 ? 0 : 1;
    }

    static Row row(StatusReport.Table table, Samples samples, Optional<Verdict> verdict) {
        Backfill backfill = table.backfill();
        String stopped = table.stopped();
        Long held = table.heldKeys();
        return new Row(
                table.target(),
                "/table?name=" + URLEncoder.encode(table.target(), StandardCharsets.UTF_8),
                String.join(", ", table.sources()),
                percent(backfill),
                progress(backfill),
                backfill.done() ? "" : rate(samples.rate(table.target())),
                Figures.count(table.rejected()),
                Figures.count(table.rejectedKeys())
                        + (held == null || held == 0 ? "" : ", held: " + Figures.count(held)),
                stopped == null ? "" : stopped,
                verdict.orElse(null));
    }

    private static @Nullable Integer percent(Backfill backfill) {
        if (backfill.done()) {
            return 100;
        }
        Long expected = backfill.rowsEstimated();
        return expected == null || expected <= 0
                ? null
                : Integer.valueOf(Overview.percent(backfill.rowsDone(), expected));
    }

    private static String rate(OptionalDouble rate) {
        return rate.isEmpty() ? "" : Figures.count(Math.round(rate.getAsDouble())) + " rows/s";
    }

    private static String progress(Backfill backfill) {
        String rows = Figures.count(backfill.rowsDone());
        Long expected = backfill.rowsEstimated();
        return backfill.done() || expected == null
                ? rows
                : rows + " of about " + Figures.count(expected);
    }
}
