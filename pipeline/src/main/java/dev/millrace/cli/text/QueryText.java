package dev.millrace.cli.text;

import dev.millrace.reconcile.report.VisibleText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/// Says how the statements of the application compare on both sides. The JSON output has the
/// differing parameters and the plans. Pure.
public final class QueryText {

    private QueryText() {}

    /// @param report of a reconciliation
    /// @return no line if no statement was compared
    public static List<String> lines(JsonNode report) {
        JsonNode queries = report.path("queries");
        if (queries.isEmpty()) {
            return List.of();
        }
        List<String> lines = new ArrayList<>(List.of(""));
        TextTable table =
                new TextTable(
                        2,
                        "query",
                        "verdict",
                        "samples",
                        "different",
                        "undecided",
                        "old p50",
                        "new p50",
                        "old p95",
                        "new p95");
        for (JsonNode query : queries) {
            table.row(
                    query.path("name").asString(""),
                    query.path("verdict").asString(Figures.UNKNOWN),
                    Figures.count(query.path("samples").asLong(0)),
                    Figures.count(query.path("different").asLong(0)),
                    Figures.count(query.path("undecided").asLong(0)),
                    time(query.path("source").path("p50Ms")),
                    time(query.path("target").path("p50Ms")),
                    time(query.path("source").path("p95Ms")),
                    time(query.path("target").path("p95Ms")));
        }
        lines.addAll(table.lines());
        for (JsonNode query : queries) {
            notes(query, lines);
        }
        return lines;
    }

    private static void notes(JsonNode query, List<String> lines) {
        String name = query.path("name").asString("");
        if (query.path("cause").isString()) {
            lines.add(name + " is undecided: " + VisibleText.of(query.path("cause").asString()));
        }
        if (!query.path("complete").asBoolean(true)) {
            lines.add(name + " was not compared with every sample: it reached its limit of time");
        }
        if (query.path("slower").asBoolean(false)) {
            lines.add(
                    name
                            + " is slower on the target; plan there: "
                            + String.join(
                                    " > ",
                                    query.path("target")
                                            .path("plan")
                                            .valueStream()
                                            .map(node -> VisibleText.of(node.asString("")))
                                            .toList()));
        }
    }

    private static String time(JsonNode millis) {
        return millis.isNumber()
                ? String.format(Locale.ROOT, "%.1f ms", millis.asDouble())
                : Figures.UNKNOWN;
    }
}
