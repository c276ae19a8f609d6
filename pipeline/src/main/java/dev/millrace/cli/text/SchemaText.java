package dev.millrace.cli.text;

import dev.millrace.reconcile.report.VisibleText;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// Says what the schema of the target lacks, with the statements that fix it. What blocks the
/// switchover comes first. Pure.
public final class SchemaText {

    private SchemaText() {}

    /// @param report of a reconciliation
    /// @return no line if the schema was not compared
    public static List<String> lines(JsonNode report) {
        JsonNode schema = report.path("schema");
        if (!schema.isObject()) {
            return List.of();
        }
        List<String> lines = new ArrayList<>();
        lines.add("");
        if (schema.path("unknown").isString()) {
            lines.add(
                    "The schema of the target could not be compared: "
                            + schema.path("unknown").asString());
            return lines;
        }
        List<JsonNode> blocking = of(schema, "blocks");
        List<JsonNode> warnings = of(schema, "warning");
        if (blocking.isEmpty() && warnings.isEmpty()) {
            lines.add("Schema of the target: nothing is missing");
            return lines;
        }
        lines.add(
                "Schema of the target: "
                        + counted(blocking.size(), "finding blocks", "findings block")
                        + " the switchover, "
                        + counted(warnings.size(), "warning", "warnings"));
        blocking.forEach(finding -> add(lines, "blocks", finding));
        warnings.forEach(finding -> add(lines, "warning", finding));
        return lines;
    }

    private static List<JsonNode> of(JsonNode schema, String severity) {
        return schema.path("findings")
                .valueStream()
                .filter(finding -> finding.path("severity").asString("").equals(severity))
                .toList();
    }

    private static String counted(int count, String one, String many) {
        return Figures.count((long) count) + " " + (count == 1 ? one : many);
    }

    private static void add(List<String> lines, String severity, JsonNode finding) {
        lines.add(
                "%-8s %s %s"
                        .formatted(
                                severity,
                                VisibleText.of(finding.path("object").asString("")),
                                VisibleText.of(finding.path("message").asString(""))));
        lines.add("         " + VisibleText.of(finding.path("remedy").asString("")));
    }
}
