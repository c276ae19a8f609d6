package dev.millrace.reconcile.report;

import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReportJson;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The documents that a report is written as, all with the same content. Pure.
public enum ReportFormat {
    JSON("json", "application/json"),
    HTML("html", "text/html;charset=UTF-8"),
    MARKDOWN("md", "text/markdown;charset=UTF-8"),
    JUNIT("junit", "application/xml;charset=UTF-8");

    private final String word;
    private final String mediaType;

    ReportFormat(String word, String mediaType) {
        this.word = word;
        this.mediaType = mediaType;
    }

    /// The format's name in queries and on the command line.
    public String word() {
        return word;
    }

    public String mediaType() {
        return mediaType;
    }

    public static Optional<ReportFormat> of(String word) {
        return Arrays.stream(values()).filter(format -> format.word.equals(word)).findFirst();
    }

    /// @param history earlier reconciliations, the newest first
    public String write(ReconciliationReport report, List<PastVerdict> history) {
        return switch (this) {
            case JSON -> ReportJson.write(report);
            case HTML -> ReportPage.write(report, history);
            case MARKDOWN -> ReportMarkdown.write(report, history);
            case JUNIT -> ReportJunit.write(report);
        };
    }
}
