package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import java.util.List;
import java.util.stream.Stream;

/// Queries over a report.
final class Reported {

    private Reported() {}

    static List<Finding> open(PreflightReport report) {
        return report.findings().stream().filter(found -> !found.status().passes()).toList();
    }

    static Finding only(PreflightReport report) {
        assertThat(open(report)).as(report.findings().toString()).hasSize(1);
        assertThat(report.tables()).isEmpty();
        return open(report).getFirst();
    }

    static Stream<String> checks(PreflightReport report) {
        return open(report).stream().map(Finding::check);
    }

    static List<String> warnings(PreflightReport report) {
        return report.findings().stream()
                .filter(found -> found.status() == Status.WARNING)
                .map(Finding::check)
                // Depends on where the server of the tests runs.
                .filter(check -> !check.matches(".*\\.(tls|authentication)"))
                .toList();
    }
}
