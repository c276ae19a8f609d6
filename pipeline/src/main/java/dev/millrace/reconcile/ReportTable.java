package dev.millrace.reconcile;

import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The report for a terminal: one line per table, the mismatches below, the verdict last. Control
/// characters in keys are printed as escapes. Pure.
public final class ReportTable {

    private static final List<String> HEAD =
            List.of(
                    "TABLE",
                    "VERDICT",
                    "SOURCE ROWS",
                    "TARGET ROWS",
                    "MISSING",
                    "EXTRA",
                    "DIFFERENT",
                    "IN FLIGHT",
                    "SECONDS");

    private ReportTable() {}

    public static String write(ReconciliationReport report) {
        StringBuilder out = new StringBuilder();
        List<List<String>> lines = new ArrayList<>();
        lines.add(HEAD);
        report.tables().forEach(table -> lines.add(line(table)));
        columns(lines, out);
        report.tables().forEach(table -> details(table, out));
        out.append('\n')
                .append(ReportWords.of(report.verdict()))
                .append(": ")
                .append(ReportWords.sentence(report))
                .append('\n');
        return out.toString();
    }

    private static List<String> line(TableReport table) {
        return List.of(
                ReportWords.visible(table.target()),
                ReportWords.of(table.verdict()),
                number(table.sourceRows()),
                number(table.targetRows()),
                number(table.missing()),
                number(table.extra()),
                number(table.different()),
                number(table.inFlight()),
                String.format(Locale.ROOT, "%.1f", table.seconds()));
    }

    private static String number(@Nullable Long value) {
        return value == null ? "unknown" : String.format(Locale.ROOT, "%,d", value);
    }

    /// Two columns of words to the left, numbers to the right.
    private static void columns(List<List<String>> lines, StringBuilder out) {
        for (List<String> line : lines) {
            for (int column = 0; column < line.size(); column++) {
                int at = column;
                int width =
                        lines.stream().mapToInt(other -> other.get(at).length()).max().orElse(0);
                String cell = line.get(column);
                String blanks = " ".repeat(width - cell.length());
                out.append(column == 0 ? "" : "  ")
                        .append(column < 2 ? cell + blanks : blanks + cell);
            }
            out.append('\n');
        }
    }

    private static void details(TableReport table, StringBuilder out) {
        if (table.cause() == null && table.mismatches().isEmpty() && table.fromLog() == 0) {
            return;
        }
        out.append('\n').append(ReportWords.visible(table.target())).append('\n');
        if (table.cause() != null) {
            out.append("  undecided: ").append(ReportWords.visible(table.cause())).append('\n');
        }
        if (table.fromLog() > 0) {
            out.append("  ").append(ReportWords.fromLog(table)).append('\n');
        }
        for (Mismatch mismatch : table.mismatches()) {
            out.append("  ")
                    .append(ReportWords.of(mismatch.kind()))
                    .append("  ")
                    .append(ReportWords.key(mismatch));
            if (!mismatch.columns().isEmpty()) {
                out.append("  in ")
                        .append(ReportWords.visible(String.join(", ", mismatch.columns())));
            }
            out.append('\n');
        }
        long more = table.differences() - table.mismatches().size();
        if (more > 0) {
            out.append("  and ").append(number(more)).append(" more\n");
        }
    }
}
