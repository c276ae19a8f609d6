package dev.millrace.reconcile.report;

import dev.millrace.reconcile.ReconciliationReport;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.UUID;

/// A finished reconciliation without its details. Also an entry of the JSON list that the HTTP API
/// serves. Immutable.
///
/// @param verdict `equal`, `different` or `undecided`
public record PastVerdict(UUID id, String verdict, Instant startedAt, Instant finishedAt) {

    /// As long as the list in a report is.
    public static final int LISTED = 10;

    public static PastVerdict of(UUID id, ReconciliationReport report) {
        return new PastVerdict(
                id, report.verdict().word(), report.startedAt(), report.finishedAt());
    }

    String took() {
        return String.format(
                Locale.ROOT,
                "%,.1f s",
                Duration.between(startedAt, finishedAt).toMillis() / 1000.0);
    }
}
