package dev.millrace.reconcile;

import dev.millrace.reconcile.StartPosition.Servers;
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

    public static String write(StartPosition start) {
        return JSON.writeValueAsString(start);
    }

    public static String write(Servers servers) {
        return JSON.writeValueAsString(servers);
    }

    /// @return empty for a text that this version cannot read as a report
    public static Optional<ReconciliationReport> read(String json) {
        return read(json, ReconciliationReport.class);
    }

    public static Optional<StartPosition> readStart(String json) {
        return read(json, StartPosition.class);
    }

    public static Optional<Servers> readServers(String json) {
        return read(json, Servers.class);
    }

    private static <T> Optional<T> read(String json, Class<T> type) {
        try {
            return Optional.of(JSON.readValue(json, type));
        } catch (JacksonException | NullPointerException _) {
            return Optional.empty();
        }
    }
}
