package dev.millrace.reconcile;

import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.util.Locale;
import java.util.stream.Collectors;

/// The words that the terminal and the page share. Pure.
final class ReportWords {

    private ReportWords() {}

    static String of(Verdict verdict) {
        return switch (verdict) {
            case EQUAL -> "equal";
            case DIFFERENT -> "different";
            case UNDECIDED -> "undecided";
        };
    }

    static String of(Kind kind) {
        return switch (kind) {
            case MISSING -> "missing";
            case EXTRA -> "extra";
            case DIFFERENT -> "different";
        };
    }

    static String sentence(ReconciliationReport report) {
        return switch (report.verdict()) {
            case EQUAL -> "every target table holds exactly what its SELECT gives on the source";
            case DIFFERENT -> {
                long keys = report.tables().stream().mapToLong(TableReport::differences).sum();
                boolean complete = report.tables().stream().allMatch(TableReport::complete);
                yield String.format(
                        Locale.ROOT,
                        (complete ? "" : "at least ")
                                + (keys == 1
                                        ? "%,d row is proven not to be what its SELECT gives"
                                        : "%,d rows are proven not to be what their SELECTs give"),
                        keys);
            }
            case UNDECIDED ->
                    ReconciliationReport.CANCELLED.equals(report.reason())
                            ? "the reconciliation was cancelled; see what was found until then and"
                                    + " reconcile again"
                            : "no difference is proven, and equality isn't either; see the cause and reconcile"
                                    + " again";
        };
    }

    static String fromLog(TableReport table) {
        return String.format(
                Locale.ROOT,
                table.fromLog() == 1
                        ? "%,d key never rested: its source row counts as the log gives it"
                        : "%,d keys never rested: their source rows count as the log gives them",
                table.fromLog());
    }

    static String key(Mismatch mismatch) {
        return mismatch.key().entrySet().stream()
                .map(
                        part ->
                                visible(part.getKey())
                                        + "="
                                        + (part.getValue() == null
                                                ? "NULL"
                                                : visible(part.getValue())))
                .collect(Collectors.joining(", "));
    }

    /// What could move a cursor or turn the reading direction is shown as its code point.
    static String visible(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints()
                .forEach(
                        point -> {
                            int type = Character.getType(point);
                            if (type == Character.CONTROL
                                    || type == Character.FORMAT
                                    || type == Character.LINE_SEPARATOR
                                    || type == Character.PARAGRAPH_SEPARATOR
                                    || type == Character.SURROGATE) {
                                out.append(String.format(Locale.ROOT, "\\u{%x}", point));
                            } else {
                                out.appendCodePoint(point);
                            }
                        });
        return out.toString();
    }
}
