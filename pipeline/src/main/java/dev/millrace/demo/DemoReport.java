package dev.millrace.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/// Renders progress and verdict as text for a terminal. An unknown value is shown as `?`. Pure.
final class DemoReport {

    private static final int MISMATCHES_SHOWN = 5;

    private DemoReport() {}

    static String progress(JsonNode status) {
        long done = 0;
        long estimated = 0;
        int complete = 0;
        JsonNode tables = status.path("tables");
        for (JsonNode table : tables) {
            JsonNode backfill = table.path("backfill");
            done += backfill.path("rowsDone").asLong(0);
            estimated += backfill.path("rowsEstimated").asLong(0);
            complete += backfill.path("done").asBoolean(false) ? 1 : 0;
        }
        return String.format(
                Locale.ROOT,
                "%-11s  %d of %d tables backfilled, %,d of about %,d rows; lag %s records, %s s",
                status.path("phase").asString("?"),
                complete,
                tables.size(),
                done,
                Math.max(done, estimated),
                number(status.path("lag").path("records")),
                number(status.path("lag").path("endToEndSeconds")));
    }

    static List<String> verdict(JsonNode report) {
        List<String> lines = new ArrayList<>();
        String row = "  %-24s %-10s %12s %12s %8s %6s %10s";
        lines.add(
                String.format(
                        row,
                        "target",
                        "verdict",
                        "source rows",
                        "target rows",
                        "missing",
                        "extra",
                        "different"));
        for (JsonNode table : report.path("tables")) {
            lines.add(
                    String.format(
                            row,
                            table.path("target").asString("?"),
                            table.path("verdict").asString("?"),
                            number(table.path("sourceRows")),
                            number(table.path("targetRows")),
                            number(table.path("missing")),
                            number(table.path("extra")),
                            number(table.path("different"))));
            lines.addAll(why(table));
        }
        return lines;
    }

    private static List<String> why(JsonNode table) {
        List<String> lines = new ArrayList<>();
        String cause = table.path("cause").asString("");
        if (!cause.isEmpty()) {
            lines.add("      " + cause);
        }
        JsonNode mismatches = table.path("mismatches");
        for (int i = 0; i < Math.min(MISMATCHES_SHOWN, mismatches.size()); i++) {
            JsonNode mismatch = mismatches.get(i);
            lines.add(
                    "      "
                            + mismatch.path("kind").asString("?")
                            + " key "
                            + mismatch.path("key")
                            + " columns "
                            + mismatch.path("columns"));
        }
        return lines;
    }

    private static String number(JsonNode node) {
        if (node.isIntegralNumber()) {
            return String.format(Locale.ROOT, "%,d", node.asLong());
        }
        return node.isNumber() ? String.format(Locale.ROOT, "%.1f", node.asDouble()) : "?";
    }
}
