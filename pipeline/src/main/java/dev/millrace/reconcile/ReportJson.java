package dev.millrace.reconcile;

import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// The report as JSON, the same text for the store, the HTTP answer and the command line.
/// Thread-safe.
public final class ReportJson {

    /// Reads reports of older and newer versions: a field that one of them lacks is no obstacle.
    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .build();

    private ReportJson() {}

    public static String write(ReconciliationReport report) {
        return JSON.writeValueAsString(report);
    }

    /// Empty for a text that is no report that this version understands.
    public static Optional<ReconciliationReport> read(String json) {
        try {
            return Optional.of(JSON.readValue(json, ReconciliationReport.class));
        } catch (JacksonException | NullPointerException _) {
            return Optional.empty();
        }
    }

    /// As it stands in the JSON.
    public static String word(Verdict verdict) {
        return JSON.valueToTree(verdict).stringValue();
    }
}
