package dev.millrace.bench.report;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.report.Report.Spread;
import dev.millrace.bench.report.Sample.Figure;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Writes the files of a report: JSON with every single sample, Markdown, and one plot per measure.
/// Stateless.
public final class ReportFiles {

    static final String JSON = "performance.json";
    public static final String MARKDOWN = "performance.md";

    /// Text that people wrote; the report includes it.
    static final String NOTES = "performance-notes.md";

    private static final JsonMapper MAPPER =
            JsonMapper.builder()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                    .build();

    private ReportFiles() {}

    /// The file name of a measure's plot.
    static String plot(Measure measure) {
        return "performance-" + measure + ".svg";
    }

    static String plot(Growth.Axis axis) {
        return "performance-by-" + axis + ".svg";
    }

    public static void write(Report report, Path folder) throws IOException {
        Files.writeString(folder.resolve(JSON), MAPPER.writeValueAsString(json(report)) + "\n");
        Path notes = folder.resolve(NOTES);
        Files.writeString(
                folder.resolve(MARKDOWN),
                MarkdownReport.of(report, Files.exists(notes) ? Files.readString(notes) : ""));
        for (Measure measure : report.measures()) {
            Files.writeString(folder.resolve(plot(measure)), chart(report, measure));
        }
        for (Growth growth : report.growth()) {
            Files.writeString(
                    folder.resolve(plot(growth.axis())),
                    SvgChart.curve(
                            "Backfill, rows/s by number of " + growth.axis(), growth.curve()));
        }
    }

    private static String chart(Report report, Measure measure) {
        Figure figure =
                switch (measure) {
                    case BACKFILL, STREAM, CATCHUP, RECONCILE -> Figure.RATE;
                    case LATENCY -> Figure.P99;
                };
        Map<String, Spread> bars = new LinkedHashMap<>();
        for (String contestant : report.contestants(measure)) {
            report.spread(measure, contestant, figure)
                    .ifPresent(spread -> bars.put(contestant, spread));
        }
        return SvgChart.bars(MarkdownReport.title(measure) + ", " + figure.unit(), bars);
    }

    /// The report as a tree of maps, so that its fields do not depend on the names of types.
    private static Map<String, Object> json(Report report) {
        Map<String, Object> json = new LinkedHashMap<>();
        Machine machine = report.machine();
        json.put("at", machine.at().toString());
        json.put(
                "machine",
                Map.of(
                        "cores", machine.cores(),
                        "memoryBytes", machine.memoryBytes(),
                        "cpu", machine.cpu(),
                        "system", machine.system()));
        json.put("versions", machine.versions());
        json.put("load", report.load());
        json.put("runs", report.runs());
        json.put("servers", BenchServers.PARAMETERS);
        json.put("contestants", report.settings());
        json.put("targets", report.outcomes().stream().map(ReportFiles::target).toList());
        json.put("results", results(report));
        json.put("growth", report.growth().stream().map(ReportFiles::growth).toList());
        json.put("profiles", report.profiles());
        json.put("samples", report.samples().stream().map(ReportFiles::sample).toList());
        Map<String, String> times = new TreeMap<>();
        report.times().forEach((what, at) -> times.put(what, at.toString()));
        json.put("times", times);
        return json;
    }

    private static Map<String, Object> target(Report.Outcome outcome) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", outcome.target().name());
        json.putAll(spread(outcome.spread()));
        json.put("reach", outcome.target().reach());
        json.put("aim", outcome.target().aim());
        json.put("met", outcome.grade());
        return json;
    }

    private static List<Map<String, Object>> results(Report report) {
        List<Map<String, Object>> results = new ArrayList<>();
        for (Measure measure : report.measures()) {
            for (String contestant : report.contestants(measure)) {
                for (Figure figure : Figure.values()) {
                    Optional<Spread> spread = report.spread(measure, contestant, figure);
                    spread.ifPresent(
                            value -> {
                                Map<String, Object> json = new LinkedHashMap<>();
                                json.put("measure", measure.toString());
                                json.put("contestant", contestant);
                                json.put("figure", figure.unit());
                                json.putAll(spread(value));
                                results.add(json);
                            });
                }
            }
        }
        return results;
    }

    private static Map<String, Object> growth(Growth growth) {
        List<Map<String, Object>> curve = new ArrayList<>();
        growth.curve()
                .forEach(
                        (value, spread) -> {
                            Map<String, Object> point = new LinkedHashMap<>();
                            point.put("value", value);
                            point.putAll(spread(spread));
                            curve.add(point);
                        });
        return Map.of(
                "axis",
                growth.axis().toString(),
                "rate",
                curve,
                "samples",
                growth.runs().entrySet().stream()
                        .flatMap(
                                step ->
                                        step.getValue().stream()
                                                .map(sample -> sample(step.getKey(), sample)))
                        .toList());
    }

    /// A sample at a value of an axis.
    private static Map<String, Object> sample(long value, Sample sample) {
        Map<String, Object> json = sample(sample);
        json.put("value", value);
        return json;
    }

    private static Map<String, Object> spread(Spread spread) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("median", spread.median());
        json.put("least", spread.least());
        json.put("most", spread.most());
        return json;
    }

    private static Map<String, Object> sample(Sample sample) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("measure", sample.measure().toString());
        json.put("contestant", sample.contestant());
        json.put("run", sample.run());
        json.put("valid", sample.isValid());
        sample.content()
                .ifPresent(
                        content -> {
                            json.put("content", content.text());
                            json.put("rows", content.rows());
                            json.put("differences", content.differences());
                            json.put("complete", content.complete());
                            json.put("firstDifference", content.first());
                        });
        sample.failure().ifPresent(failure -> json.put("failure", failure));
        Map<String, Object> measured = new TreeMap<>();
        sample.figures().forEach((figure, value) -> measured.put(figure.unit(), value));
        json.put("measured", measured);
        return json;
    }
}
