package dev.millrace.deploy;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a running service told Prometheus: each metric with the labels it was seen with.
record Scrape(Map<String, Set<String>> metrics) {

    private static final Pattern SAMPLE =
            Pattern.compile("(?<metric>[a-zA-Z_:][\\w:]*)(?:\\{(?<labels>.*)})? \\S+(?: \\S+)?");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"(?:[^\"\\\\]|\\\\.)*\"");

    static Scrape of(String text) {
        Map<String, Set<String>> metrics = new TreeMap<>();
        text.lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .forEach(
                        line -> {
                            Matcher sample = SAMPLE.matcher(line);
                            if (!sample.matches()) {
                                throw new IllegalArgumentException("not a sample: " + line);
                            }
                            Set<String> labels =
                                    metrics.computeIfAbsent(
                                            sample.group("metric"), _ -> new TreeSet<>());
                            if (sample.group("labels") != null) {
                                LABEL.matcher(sample.group("labels"))
                                        .results()
                                        .forEach(label -> labels.add(label.group(1)));
                            }
                        });
        return new Scrape(metrics);
    }
}
