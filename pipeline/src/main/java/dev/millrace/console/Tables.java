package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Backfill;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The values of the page *Tables*: unfinished and stopped tables come first.
///
/// @param more there are more tables than are shown
public record Tables(List<Row> rows, boolean more) {

    static final int SHOWN = 500;

    /// @param details the address of the page of the table
    /// @param percent 0 to 100; `null` without an estimate
    /// @param waiting changes that are not applied
    /// @param keys keys that wait for an operator, and those that are tried again
    /// @param stopped why the table is stopped; empty if it is not
    public record Row(
            String target,
            String details,
            String sources,
            @Nullable Integer percent,
            String progress,
            String waiting,
            String keys,
            String stopped) {}

    static Tables of(StatusReport status) {
        return new Tables(
                status.tables().stream()
                        .map(Tables::row)
                        .sorted((a, b) -> Integer.compare(urgency(b), urgency(a)))
                        .limit(SHOWN)
                        .toList(),
                status.tables().size() > SHOWN);
    }

    private static int urgency(Row row) {
        if (!row.stopped().isEmpty()) {
            return 2;
        }
        return row.percent() != null && row.percent() == 100 ? 0 : 1;
    }

    static Row row(StatusReport.Table table) {
        Backfill backfill = table.backfill();
        String stopped = table.stopped();
        Long held = table.heldKeys();
        return new Row(
                table.target(),
                "/table?name=" + URLEncoder.encode(table.target(), StandardCharsets.UTF_8),
                String.join(", ", table.sources()),
                percent(backfill),
                progress(backfill),
                Figures.count(table.rejected()),
                Figures.count(table.rejectedKeys())
                        + (held == null || held == 0 ? "" : ", held: " + Figures.count(held)),
                stopped == null ? "" : stopped);
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

    private static String progress(Backfill backfill) {
        String rows = Figures.count(backfill.rowsDone());
        Long expected = backfill.rowsEstimated();
        return backfill.done() || expected == null
                ? rows
                : rows + " of about " + Figures.count(expected);
    }
}
