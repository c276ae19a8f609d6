package dev.millrace.deploy;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

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
