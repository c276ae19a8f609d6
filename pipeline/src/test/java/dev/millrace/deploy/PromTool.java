package dev.millrace.deploy;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// Runs Prometheus' `promtool` on rules in a temporary folder.
final class PromTool {

    static final String MISSING =
            "promtool is not installed (Debian package prometheus): rules are not evaluated";
    static final String RULES = "rules.yaml";

    private static final JsonMapper JSON = JsonMapper.shared();

    private PromTool() {}

    static boolean isInstalled() {
        return Installed.ANSWER;
    }

    /// A start of the program costs half a second of CPU time, so it is asked once.
    private static final class Installed {

        private static final boolean ANSWER = answers();

        private static boolean answers() {
            try {
                return run(Path.of("."), List.of("promtool", "--version")).isEmpty();
            } catch (UncheckedIOException _) {
                return false;
            }
        }
    }

    /// Runs `promtool check rules`.
    ///
    /// @return promtool's output, or empty if the rules are valid
    static Optional<String> check(String rules) {
        return run(folder(Map.of(RULES, rules)), List.of("promtool", "check", "rules", RULES));
    }

    /// Runs `promtool test rules`.
    ///
    /// @param tests tests that refer to the rules as [#RULES]
    /// @return promtool's output, or empty if all tests pass
    static Optional<String> test(String rules, String tests) {
        return run(
                folder(Map.of(RULES, rules, "tests.yaml", tests)),
                List.of("promtool", "test", "rules", "tests.yaml"));
    }

    /// Wraps an expression as a recording rule and evaluates it over series with the value 1.
    ///
    /// @return promtool's output, or empty if the result of the expression is not empty
    static Optional<String> evaluate(String expression, List<String> series) {
        return evaluate(List.of(expression), series);
    }

    /// The same for several expressions in one run.
    ///
    /// @return promtool's output, or empty if no expression has an empty result
    static Optional<String> evaluate(List<String> expressions, List<String> series) {
        List<Map<String, Object>> rules = new ArrayList<>();
        List<Map<String, Object>> results = new ArrayList<>();
        for (int i = 0; i < expressions.size(); i++) {
            rules.add(Map.of("record", "panel_" + i, "expr", expressions.get(i)));
            results.add(
                    Map.of(
                            "expr",
                            "count(panel_" + i + ") > bool 0",
                            "eval_time",
                            "5m",
                            "exp_samples",
                            List.of(Map.of("labels", "{}", "value", 1))));
        }
        Map<String, Object> group = Map.of("name", "panels", "rules", rules);
        Map<String, Object> test =
                Map.of(
                        "interval",
                        "15s",
                        "input_series",
                        series.stream()
                                .map(one -> Map.of("series", one, "values", "1x40"))
                                .toList(),
                        "promql_expr_test",
                        results);
        return test(
                JSON.writeValueAsString(Map.of("groups", List.of(group))),
                JSON.writeValueAsString(
                        Map.of(
                                "rule_files",
                                List.of(RULES),
                                "evaluation_interval",
                                "15s",
                                "tests",
                                List.of(test))));
    }

    private static Path folder(Map<String, String> files) {
        Path folder = TestFolders.create("promtool");
        files.forEach(
                (name, text) -> {
                    try {
                        Files.writeString(folder.resolve(name), text);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
        return folder;
    }

    private static Optional<String> run(Path folder, List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .directory(folder.toFile())
                            .redirectErrorStream(true)
                            .start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? Optional.empty() : Optional.of(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /// The promtool unit tests of the alert rules in `alerts-test.yaml`.
    @JsonIgnoreProperties(ignoreUnknown = true)
    record AlertTests(List<Case> tests) {

        private static final String FILE = "alerts-test.yaml";

        static String text() {
            try (InputStream in =
                    Objects.requireNonNull(AlertTests.class.getResourceAsStream(FILE), FILE)) {
                return new String(in.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /// The tests that name one alert, and those without an alert: all of them take longer.
        static String of(String alert) {
            Map<String, Object> all = document();
            List<?> tests =
                    ((List<?>) Objects.requireNonNull(all.get("tests")))
                            .stream()
                                    .filter(
                                            test ->
                                                    !(test instanceof Map<?, ?> one)
                                                            || !one.containsKey("alert_rule_test")
                                                            || one.toString().contains(alert))
                                    .toList();
            Map<String, Object> some = new LinkedHashMap<>(all);
            some.put("tests", tests);
            return JSON.writeValueAsString(some);
        }

        private static Map<String, Object> document() {
            return Overlay.asMap(FILE, StrictYaml.documents(FILE, text()).getFirst());
        }

        static AlertTests read() {
            return JsonMapper.shared()
                    .convertValue(StrictYaml.documents(FILE, text()).getFirst(), AlertTests.class);
        }

        /// The input series of all tests, each with its labels.
        Scrape series() {
            return Scrape.of(
                    tests.stream()
                            .flatMap(test -> test.inputSeries().stream())
                            .map(series -> series.series() + " 1")
                            .reduce("", (text, line) -> text + line + "\n"));
        }

        /// Names of the alerts that fire in some test.
        Stream<String> firing() {
            return tests.stream()
                    .flatMap(test -> test.alerts().stream())
                    .filter(alert -> !alert.expected().isEmpty())
                    .map(Alert::alertname);
        }

        @JsonIgnoreProperties(ignoreUnknown = true)
        record Case(
                @JsonProperty("input_series") List<Series> inputSeries,
                @JsonProperty("alert_rule_test") @Nullable List<Alert> alertRuleTest) {

            List<Alert> alerts() {
                return alertRuleTest == null ? List.of() : alertRuleTest;
            }
        }

        @JsonIgnoreProperties(ignoreUnknown = true)
        record Series(String series) {}

        @JsonIgnoreProperties(ignoreUnknown = true)
        record Alert(String alertname, @JsonProperty("exp_alerts") List<Object> expected) {}
    }
}
