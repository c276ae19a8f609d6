package dev.millrace.bench.report;

import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import dev.millrace.bench.report.Report.Load;
import dev.millrace.bench.report.Sample.Content;
import dev.millrace.bench.report.Sample.Figure;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Reads the report that an earlier run of the benchmark wrote. Stateless.
public final class EarlierReport {

    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private EarlierReport() {}

    /// @return empty if the folder has no report
    /// @throws ContestantFailed if its report cannot be read, so that it is not overwritten
    public static Optional<Report> in(Path folder) throws IOException {
        Path file = folder.resolve(ReportFiles.JSON);
        if (Files.notExists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(report(MAPPER.readTree(Files.readString(file))));
        } catch (JacksonException | DateTimeException | IllegalArgumentException e) {
            throw new ContestantFailed(
                    file
                            + " is not a report that this version can read, and is not overwritten."
                            + " Move it, or write to another folder with --out",
                    e);
        }
    }

    private static Report report(JsonNode json) {
        List<Sample> samples =
                json.required("samples").valueStream().map(EarlierReport::sample).toList();
        return new Report(
                samples.stream().map(Sample::measure).distinct().sorted().toList(),
                MAPPER.treeToValue(json.required("load"), Load.class),
                json.required("runs").asInt(),
                machine(json),
                settings(json.required("contestants")),
                samples,
                json.required("growth").valueStream().map(EarlierReport::growth).toList(),
                profiles(json.required("profiles")),
                times(json.required("times")));
    }

    private static Machine machine(JsonNode json) {
        JsonNode machine = json.required("machine");
        return new Machine(
                Instant.parse(json.required("at").asString()),
                machine.required("cores").asInt(),
                machine.required("memoryBytes").asLong(),
                machine.required("cpu").asString(),
                machine.required("system").asString(),
                texts(json.required("versions")));
    }

    private static Map<String, Map<String, String>> settings(JsonNode json) {
        Map<String, Map<String, String>> settings = new TreeMap<>();
        json.properties().forEach(one -> settings.put(one.getKey(), texts(one.getValue())));
        return settings;
    }

    private static Map<String, String> texts(JsonNode json) {
        Map<String, String> texts = new TreeMap<>();
        json.properties().forEach(one -> texts.put(one.getKey(), one.getValue().asString()));
        return texts;
    }

    private static Map<String, Instant> times(JsonNode json) {
        Map<String, Instant> times = new TreeMap<>();
        json.properties()
                .forEach(one -> times.put(one.getKey(), Instant.parse(one.getValue().asString())));
        return times;
    }

    private static Map<Measure, Profile> profiles(JsonNode json) {
        Map<Measure, Profile> profiles = new EnumMap<>(Measure.class);
        json.properties()
                .forEach(
                        one ->
                                profiles.put(
                                        measure(one.getKey()),
                                        MAPPER.treeToValue(one.getValue(), Profile.class)));
        return profiles;
    }

    private static Growth growth(JsonNode json) {
        Map<Long, List<Sample>> runs = new LinkedHashMap<>();
        json.required("samples")
                .forEach(
                        one ->
                                runs.computeIfAbsent(
                                                one.required("value").asLong(),
                                                _ -> new ArrayList<>())
                                        .add(sample(one)));
        return new Growth(
                Growth.Axis.valueOf(json.required("axis").asString().toUpperCase(Locale.ROOT)),
                runs);
    }

    private static Sample sample(JsonNode json) {
        Map<Figure, Double> figures = new EnumMap<>(Figure.class);
        json.required("measured")
                .properties()
                .forEach(one -> figures.put(figure(one.getKey()), one.getValue().asDouble()));
        return new Sample(
                measure(json.required("measure").asString()),
                json.required("contestant").asString(),
                json.required("run").asInt(),
                figures,
                json.has("content") ? Optional.of(content(json)) : Optional.empty(),
                json.has("failure")
                        ? Optional.of(json.required("failure").asString())
                        : Optional.empty());
    }

    private static Content content(JsonNode json) {
        return new Content(
                json.required("rows").asLong(),
                json.required("differences").asLong(),
                json.required("complete").asBoolean(),
                json.required("firstDifference").asLong());
    }

    private static Measure measure(String name) {
        return Measure.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private static Figure figure(String unit) {
        return Figure.of(unit)
                .orElseThrow(() -> new IllegalArgumentException("unknown figure " + unit));
    }
}
