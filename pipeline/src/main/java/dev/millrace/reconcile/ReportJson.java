package dev.millrace.reconcile;

import tools.jackson.databind.json.JsonMapper;

/// The report as JSON, the same text for the store, the HTTP answer and the command line. Safe for
/// any thread.
public final class ReportJson {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private ReportJson() {}

    public static String write(ReconciliationReport report) {
        return JSON.writeValueAsString(report);
    }

    public static ReconciliationReport read(String json) {
        return JSON.readValue(json, ReconciliationReport.class);
    }
}
