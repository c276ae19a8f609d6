package dev.millrace.cli.text;

import dev.millrace.cli.Terminal;
import dev.millrace.reconcile.report.VisibleText;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// Renders a reconciliation report as text for a terminal. Immutable.
public final class ReconciliationView {

    private static final String ALL_ROWS = "all rows";
    private static final String NO_ROW = "no row";

    /// More mismatches do not fit on a screen; the JSON output has all of them.
    private static final int MISMATCHES_SHOWN = 10;

    private final Terminal terminal;

    public ReconciliationView(Terminal terminal) {
        this.terminal = terminal;
    }

    public List<String> lines(JsonNode report) {
        String verdict = report.path("verdict").asString("undecided");
        List<String> lines = new ArrayList<>();
        lines.add(
                report.path("migration").asString("")
                        + ": "
                        + terminal.colored(StatusView.verdictColor(verdict), verdict)
                        + ", as of source position "
                        + report.path("sourceLsn").asString(Figures.UNKNOWN)
                        + ", finished "
                        + Figures.second(report.path("finishedAt").asString(Figures.UNKNOWN)));
        if (report.path("reason").isString()) {
            lines.add("No verdict available: " + report.path("reason").asString());
        }
        lines.add("");
        lines.addAll(tables(report.path("tables")));
        for (JsonNode table : report.path("tables")) {
            lines.addAll(mismatches(table));
        }
        lines.addAll(QueryText.lines(report));
        lines.addAll(SchemaText.lines(report));
        return lines;
    }

    private static List<String> tables(JsonNode tables) {
        TextTable text =
                new TextTable(
                        2,
                        "target",
                        "verdict",
                        "source rows",
                        "target rows",
                        "missing",
                        "extra",
                        "different",
                        "in flight",
                        "duration");
        for (JsonNode table : tables) {
            text.row(
                    table.path("target").asString(""),
                    table.path("verdict").asString(Figures.UNKNOWN),
                    count(table, "sourceRows"),
                    count(table, "targetRows"),
                    count(table, "missing"),
                    count(table, "extra"),
                    count(table, "different"),
                    count(table, "inFlight"),
                    table.path("seconds").isNumber()
                            ? Figures.seconds(table.path("seconds").asDouble())
                            : Figures.UNKNOWN);
        }
        return text.lines();
    }

    private static List<String> mismatches(JsonNode table) {
        List<String> lines = new ArrayList<>();
        if (table.path("cause").isString()) {
            lines.add(
                    table.path("target").asString("")
                            + " is undecided: "
                            + table.path("cause").asString());
        }
        String method = table.path("method").asString(ALL_ROWS);
        if (!method.equals(ALL_ROWS)) {
            lines.add(table.path("target").asString("") + ": compared " + method);
        }
        ChunkText.line(table).ifPresent(lines::add);
        if (!table.path("sensitive").isEmpty()) {
            lines.add(
                    table.path("target").asString("")
                            + ": values are shown as hashes: "
                            + joined(table.path("sensitive")));
        }
        if (!table.path("complete").asBoolean(true)) {
            long found =
                    table.path("missing").asLong(0)
                            + table.path("extra").asLong(0)
                            + table.path("different").asLong(0);
            lines.add(
                    table.path("target").asString("")
                            + " was not compared completely; it has at least "
                            + Figures.count(found)
                            + (found == 1 ? " difference" : " differences"));
        }
        JsonNode mismatches = table.path("mismatches");
        if (mismatches.isEmpty()) {
            return lines;
        }
        lines.add("");
        lines.add("Mismatches in " + table.path("target").asString("") + ":");
        TextTable text = new TextTable(4, "kind", "key", "columns", "cause");
        int shown = 0;
        for (JsonNode mismatch : mismatches) {
            if (shown++ < MISMATCHES_SHOWN) {
                text.row(
                        mismatch.path("kind").asString(Figures.UNKNOWN),
                        joined(mismatch.path("key")),
                        joined(mismatch.path("columns")),
                        joined(mismatch.path("cause")));
            }
        }
        lines.addAll(text.lines());
        lines.addAll(values(mismatches));
        if (mismatches.size() > MISMATCHES_SHOWN) {
            lines.add(
                    "… and "
                            + (mismatches.size() - MISMATCHES_SHOWN)
                            + " more; use -o json to see all mismatches in the report");
        }
        return lines;
    }

    /// Both sides of each column that differs, and the columns of a row that only one side has, as
    /// in SQL: NULL is not a text.
    private static List<String> values(JsonNode mismatches) {
        TextTable text = new TextTable(4, "key", "column", "source", "target");
        boolean known = false;
        int shown = 0;
        for (JsonNode mismatch : mismatches) {
            if (shown++ == MISMATCHES_SHOWN) {
                break;
            }
            String kind = mismatch.path("kind").asString("");
            for (JsonNode cell : mismatch.path("values")) {
                known = true;
                text.row(
                        joined(mismatch.path("key")),
                        cell.path("column").asString(""),
                        kind.equals("extra") ? NO_ROW : literal(cell.path("source")),
                        kind.equals("missing") ? NO_ROW : literal(cell.path("target")));
            }
        }
        return known ? text.lines() : List.of();
    }

    private static String literal(JsonNode value) {
        return VisibleText.literal(value.isString() ? value.asString() : null);
    }

    private static String joined(JsonNode node) {
        if (node.isMissingNode() || node.isNull()) {
            return "";
        }
        if (node.isObject()) {
            return node.properties().stream()
                    .map(part -> part.getKey() + "=" + part.getValue().asString("NULL"))
                    .map(VisibleText::of)
                    .collect(Collectors.joining(", "));
        }
        if (node.isArray()) {
            return node.valueStream()
                    .map(part -> part.asString("NULL"))
                    .collect(Collectors.joining(", "));
        }
        return node.asString();
    }

    private static String count(JsonNode table, String field) {
        JsonNode number = table.path(field);
        return number.isIntegralNumber() ? Figures.count(number.asLong()) : Figures.UNKNOWN;
    }
}
