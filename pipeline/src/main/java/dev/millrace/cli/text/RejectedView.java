package dev.millrace.cli.text;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// Renders rejected keys as text for a terminal. Stateless.
public final class RejectedView {

    private RejectedView() {}

    /// @param list `GET /api/v1/rejected`
    public static List<String> list(JsonNode list) {
        JsonNode keys = list.path("rejected");
        if (keys.isEmpty()) {
            return List.of("No key is rejected.");
        }
        TextTable table =
                new TextTable(5, 6, "id", "table", "key", "state", "since", "changes", "cause");
        for (JsonNode key : keys) {
            table.row(
                    key.path("id").asString(""),
                    key.path("table").asString(""),
                    key.path("key").toString(),
                    key.path("state").asString(""),
                    Figures.second(key.path("at").asString("")),
                    Figures.count(key.path("changes").asLong(0)),
                    cause(key));
        }
        return table.lines();
    }

    private static String cause(JsonNode key) {
        JsonNode skipped = key.path("skipped");
        String cause = key.path("cause").asString("");
        return skipped.isObject()
                ? "skipped by %s: %s (%s)"
                        .formatted(
                                skipped.path("who").asString(""),
                                skipped.path("reason").asString(""),
                                cause)
                : cause;
    }

    /// @param detail `GET /api/v1/rejected/{id}`
    public static List<String> detail(JsonNode detail) {
        JsonNode key = detail.path("key");
        List<String> lines = new ArrayList<>();
        lines.add(
                key.path("table").asString("")
                        + " "
                        + key.path("key")
                        + ": "
                        + key.path("state").asString(""));
        lines.add("cause     " + cause(key));
        lines.add(
                "position  partition %s, offset %s, change %s of the changes topic"
                        .formatted(
                                key.path("partition").asString(""),
                                key.path("changesOffset").asString(""),
                                key.path("index").asString("")));
        for (JsonNode change : detail.path("waiting")) {
            lines.add(
                    "%s/%s  %s  %s%s"
                            .formatted(
                                    change.path("changesOffset").asString(""),
                                    change.path("index").asString(""),
                                    change.path("kind").asString(""),
                                    change.path("values"),
                                    change.path("unchanged").isEmpty()
                                            ? ""
                                            : "  unchanged " + change.path("unchanged")));
        }
        return lines;
    }

    /// @param answer of a retry or a skip
    public static List<String> outcome(JsonNode answer) {
        List<String> lines = new ArrayList<>();
        JsonNode operation = answer.path("operation");
        boolean isDryRun = operation.path("state").asString("").equals("dryRun");
        lines.add(
                (isDryRun ? "Dry run, nothing was changed. The result would be: " : "")
                        + operation.path("outcome").asString("")
                        + ".");
        answer.path("refused")
                .properties()
                .forEach(each -> lines.add(each.getKey() + "  " + each.getValue().asString("")));
        return lines;
    }
}
