package dev.millrace.reconcile.report;

import dev.millrace.parity.QueryReport;
import dev.millrace.parity.QueryReport.Difference;
import dev.millrace.parity.QueryReport.Side;
import dev.millrace.parity.QueryReport.Verdict;
import dev.millrace.reconcile.ReconciliationReport;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// How the statements of the application compare, as every document says it. Immutable.
public record QuerySection(List<Row> rows) {

    static final String TITLE = "Queries";

    /// The heads of [Row].
    static final List<String> COLUMNS =
            List.of("Query", "Verdict", "Samples", "Source", "Target", "Differing parameters");

    /// @param conclusion the verdict with its cause
    /// @param differing the parameters of the listed samples that differ
    public record Row(
            String name,
            Verdict verdict,
            String conclusion,
            String samples,
            String source,
            String target,
            List<String> differing,
            double seconds) {

        private static Row of(QueryReport query) {
            String cause = query.cause() == null ? "" : ": " + query.cause();
            return new Row(
                    VisibleText.of(query.name()),
                    query.verdict(),
                    VisibleText.of(query.verdict().word() + cause),
                    String.format(
                            Locale.ROOT,
                            "%,d: %,d equal, %,d different, %,d undecided%s",
                            query.samples(),
                            query.equal(),
                            query.different(),
                            query.undecided(),
                            query.complete() ? "" : "; limit of time reached"),
                    side(query.source()),
                    side(query.target()),
                    query.differences().stream().map(QuerySection::difference).toList(),
                    query.seconds());
        }
    }

    /// @return empty if no statement was compared
    static Optional<QuerySection> of(ReconciliationReport report) {
        return report.queries().isEmpty()
                ? Optional.empty()
                : Optional.of(new QuerySection(report.queries().stream().map(Row::of).toList()));
    }

    long count(Verdict verdict) {
        return rows.stream().filter(row -> row.verdict() == verdict).count();
    }

    private static String difference(Difference found) {
        return "%s gives %s on the source, %s on the target"
                .formatted(
                        found.parameters().stream()
                                .map(VisibleText::literal)
                                .collect(Collectors.joining(", ", "(", ")")),
                        VisibleText.of(found.source()),
                        VisibleText.of(found.target()));
    }

    private static String side(Side side) {
        return VisibleText.of(
                "p50 %s, p95 %s".formatted(time(side.p50Ms()), time(side.p95Ms()))
                        + (side.plan().isEmpty() ? "" : "; " + String.join(" > ", side.plan())));
    }

    private static String time(@Nullable Double millis) {
        return millis == null ? "unknown" : String.format(Locale.ROOT, "%.1f ms", millis);
    }
}
