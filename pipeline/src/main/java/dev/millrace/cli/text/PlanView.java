package dev.millrace.cli.text;

import dev.millrace.change.TableId;
import dev.millrace.cli.Terminal;
import dev.millrace.mapping.WayBack;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// Renders a preflight report as a table, with message and remedy of each finding that has more to
/// say than that the check passed, or as JSON. Immutable.
public final class PlanView {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final PreflightReport report;

    public PlanView(PreflightReport report) {
        this.report = report;
    }

    /// The published JSON Schema of [#json].
    public static String schema() {
        try (InputStream schema =
                Objects.requireNonNull(CheckName.class.getResourceAsStream("plan.schema.json"))) {
            return new String(schema.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public void table(Terminal terminal) {
        TextTable table = new TextTable(Integer.MAX_VALUE, "STATUS", "CHECK", "OBJECT");
        report.findings().forEach(found -> table.row(word(found), found.check(), found.object()));
        List<String> lines = table.lines();
        terminal.out().println(terminal.colored(Terminal.Color.STRONG, lines.getFirst()));
        for (int i = 0; i < report.findings().size(); i++) {
            Finding found = report.findings().get(i);
            terminal.out().println(terminal.colored(color(found), lines.get(i + 1)));
            if (found.isDetailed()) {
                terminal.out().println("    " + found.message());
                if (!found.remedy().isEmpty()) {
                    terminal.out().println("    -> " + found.advice());
                }
            }
        }
        terminal.out().println();
        terminal.out().println(conclusion());
    }

    private String conclusion() {
        String warned = warnings() == 0 ? "" : ", " + counted(warnings(), "warning");
        return report.accepted()
                ? report.migration()
                        + " can start: "
                        + counted(report.tables().size(), "target table")
                        + warned
                        + "."
                : report.migration()
                        + " cannot start: "
                        + counted(problems(), "problem")
                        + " to fix"
                        + warned
                        + ". Nothing was created.";
    }

    private long problems() {
        return report.findings().stream().filter(found -> !found.status().passes()).count();
    }

    private long warnings() {
        return report.findings().stream().filter(found -> found.status() == Status.WARNING).count();
    }

    private static String counted(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    public String json() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("migration", report.migration());
        json.put("outcome", report.outcome().name().toLowerCase(Locale.ROOT));
        json.put("accepted", report.accepted());
        json.put("findings", report.findings().stream().map(PlanView::json).toList());
        json.put(
                "tables",
                report.tables().stream()
                        .map(
                                table ->
                                        Map.of(
                                                "target",
                                                table.mapping().target().table().toString(),
                                                "source",
                                                table.mapping().source().toString(),
                                                "key",
                                                table.mapping().target().keyColumns(),
                                                "columns",
                                                table.mapping().target().columns(),
                                                "wayBack",
                                                wayBack(table.mapping().source())))
                        .toList());
        return JSON.writeValueAsString(json);
    }

    private String wayBack(TableId source) {
        return report.reversal().ways().stream()
                .filter(way -> way.source().equals(source))
                .map(
                        way ->
                                switch (way) {
                                    case WayBack.Whole _ -> "whole";
                                    case WayBack.Partial partial -> "partial: " + partial.reason();
                                })
                .findFirst()
                .orElse("unknown");
    }

    private static Map<String, @Nullable Object> json(Finding found) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("status", found.status().name().toLowerCase(Locale.ROOT));
        json.put("severity", found.status().severity());
        json.put("group", CheckName.of(found.check()).group().id());
        json.put("check", found.check());
        json.put("object", found.object());
        json.put("value", found.value());
        json.put("limit", found.limit());
        json.put("message", found.message());
        json.put("remedy", found.remedy());
        json.put("place", found.place().id());
        return json;
    }

    private static String word(Finding found) {
        return found.status().name().toLowerCase(Locale.ROOT);
    }

    private static Terminal.Color color(Finding found) {
        return switch (found.status()) {
            case OK -> Terminal.Color.GOOD;
            case WARNING -> Terminal.Color.UNSURE;
            case MISCONFIGURED, REFUSED, UNREACHABLE -> Terminal.Color.BAD;
        };
    }
}
