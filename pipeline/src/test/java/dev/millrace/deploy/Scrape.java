package dev.millrace.deploy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The metrics of a scrape of a running service.
///
/// @param metrics label names by metric
/// @param series each series with its labels, as promtool reads it
record Scrape(Map<String, Set<String>> metrics, List<String> series) {

    private static final Pattern SAMPLE =
            Pattern.compile("(?<metric>[a-zA-Z_:][\\w:]*)(?:\\{(?<labels>.*)})? \\S+(?: \\S+)?");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"(?:[^\"\\\\]|\\\\.)*\"");

    static Scrape of(String text) {
        Map<String, Set<String>> metrics = new TreeMap<>();
        List<String> series = new ArrayList<>();
        text.lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .forEach(
                        line -> {
                            Matcher sample = SAMPLE.matcher(line);
                            if (!sample.matches()) {
                                throw new IllegalArgumentException("not a sample: " + line);
                            }
                            String given = sample.group("labels");
                            series.add(
                                    sample.group("metric")
                                            + (given == null ? "" : "{" + given + "}"));
                            Set<String> labels =
                                    metrics.computeIfAbsent(
                                            sample.group("metric"), _ -> new TreeSet<>());
                            if (given != null) {
                                LABEL.matcher(given)
                                        .results()
                                        .forEach(label -> labels.add(label.group(1)));
                            }
                        });
        return new Scrape(metrics, series);
    }

    /// With those metrics of another scrape whose names match.
    Scrape with(Scrape other, Pattern names) {
        Map<String, Set<String>> all = new TreeMap<>(metrics);
        other.metrics.forEach(
                (name, labels) -> {
                    if (names.matcher(name).matches()) {
                        all.put(name, labels);
                    }
                });
        List<String> allSeries = new ArrayList<>(series);
        other.series.stream()
                .filter(one -> names.matcher(one.replaceFirst("\\{.*", "")).matches())
                .forEach(allSeries::add);
        return new Scrape(all, allSeries);
    }
}
