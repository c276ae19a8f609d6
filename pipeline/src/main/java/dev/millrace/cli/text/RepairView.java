package dev.millrace.cli.text;

import dev.millrace.reconcile.report.VisibleText;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// Renders the end of a repair as text for a terminal: after a dry run every key that would be
/// repaired, after a repair the keys that still differ. Immutable.
///
/// @param operation as in the answer of `GET operations/{id}`, with its `keys`
public record RepairView(JsonNode operation) {

    /// More keys are in the JSON output.
    private static final int SHOWN = 1_000;

    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        if (operation.path("tables").isEmpty()) {
            return lines;
        }
        lines.addAll(tables());
        List<JsonNode> keys =
                operation
                        .path("keys")
                        .valueStream()
                        .filter(key -> isDryRun() || key.path("differs").asBoolean())
                        .toList();
        if (!keys.isEmpty()) {
            lines.add("");
            lines.add(isDryRun() ? "Rows that would be repaired:" : "Rows that still differ:");
            lines.addAll(keys(keys));
        }
        lines.add("");
        return lines;
    }

    private boolean isDryRun() {
        return operation.path("dryRun").asBoolean();
    }

    private List<String> tables() {
        TextTable text =
                new TextTable(
                        1, "target", "insert", "update", "delete", "in the log", "still different");
        for (JsonNode table : operation.path("tables")) {
            text.row(
                    VisibleText.of(table.path("target").asString("")),
                    count(table, "insert"),
                    count(table, "update"),
                    count(table, "delete"),
                    count(table, "written"),
                    count(table, "differing"));
        }
        return text.lines();
    }

    private static String count(JsonNode table, String field) {
        return Figures.count(table.path(field).asLong(0));
    }

    private static List<String> keys(List<JsonNode> keys) {
        TextTable text = new TextTable(4, "action", "target", "key", "columns");
        for (JsonNode key : keys.subList(0, Math.min(SHOWN, keys.size()))) {
            text.row(
                    key.path("action").asString(""),
                    VisibleText.of(key.path("target").asString("")),
                    key.path("key").properties().stream()
                            .map(part -> part.getKey() + "=" + part.getValue().asString("NULL"))
                            .map(VisibleText::of)
                            .collect(Collectors.joining(", ")),
                    key.path("columns")
                            .valueStream()
                            .map(column -> VisibleText.of(column.asString("")))
                            .collect(Collectors.joining(", ")));
        }
        List<String> lines = new ArrayList<>(text.lines());
        if (keys.size() > SHOWN) {
            lines.add(
                    "… and "
                            + Figures.count((long) keys.size() - SHOWN)
                            + " more; use -o json to see all of them");
        }
        return lines;
    }
}
