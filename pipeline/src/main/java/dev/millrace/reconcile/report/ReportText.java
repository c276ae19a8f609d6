package dev.millrace.reconcile.report;

import dev.millrace.change.Lsn;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import java.util.Comparator;
import java.util.Locale;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The texts of a report. Pure.
final class ReportText {

    private static final Comparator<Lsn> ORDER = Comparator.naturalOrder();

    private ReportText() {}

    static String sentence(ReconciliationReport report) {
        return switch (report.verdict()) {
            case EQUAL -> "every target table contains exactly what its SELECT gives on the source";
            case DIFFERENT -> {
                long keys = report.tables().stream().mapToLong(TableReport::differences).sum();
                boolean complete = report.tables().stream().allMatch(TableReport::complete);
                yield String.format(
                        Locale.ROOT,
                        (complete ? "" : "at least ")
                                + (keys == 1
                                        ? "%,d row is proven to differ from what its SELECT gives"
                                        : "%,d rows are proven to differ from what their SELECTs give"),
                        keys);
            }
            case UNDECIDED ->
                    ReconciliationReport.CANCELLED.equals(report.reason())
                            ? "the reconciliation was cancelled; the report contains what was found until"
                                    + " then. Reconcile again"
                            : "neither a difference nor equality is proven. Remove the causes below, then"
                                    + " reconcile again";
        };
    }

    static String fromLog(TableReport table) {
        return String.format(
                Locale.ROOT,
                table.fromLog() == 1
                        ? "%,d key kept changing; it was compared using the log"
                        : "%,d keys kept changing; they were compared using the log",
                table.fromLog());
    }

    /// The chunks that were equal, all together.
    static String chunks(TableReport table) {
        return String.format(
                Locale.ROOT,
                table.chunks().size() == 1
                        ? "%,d chunk was equal between source positions %s and %s"
                        : "%,d chunks were equal between source positions %s and %s",
                table.chunks().size(),
                position(table, ChunkReport::after, BinaryOperator.minBy(ORDER)),
                position(table, ChunkReport::before, BinaryOperator.maxBy(ORDER)));
    }

    private static String position(
            TableReport table, Function<ChunkReport, String> of, BinaryOperator<Lsn> outermost) {
        return table.chunks().stream()
                .map(of)
                .map(Lsn::parse)
                .reduce(outermost)
                .map(Lsn::toString)
                .orElse("");
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

    /// Shows characters that move a cursor or change the reading direction as code points.
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
