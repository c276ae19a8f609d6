package dev.millrace.reconcile;

import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Writes and reads a report as JSON, in one form for the control schema, the HTTP API and the
/// command line. Thread-safe.
public final class ReportJson {

    /// Accepts reports of older and newer versions: a missing or unknown field is not an error.
    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .build();

    private ReportJson() {}

    public static String write(ReconciliationReport report) {
        return JSON.writeValueAsString(report);
    }

    /// @return empty for a text that this version cannot read as a report
    public static Optional<ReconciliationReport> read(String json) {
        try {
            return Optional.of(JSON.readValue(json, ReconciliationReport.class));
        } catch (JacksonException | NullPointerException _) {
            return Optional.empty();
        }
    }
}
