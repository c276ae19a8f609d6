package dev.millrace.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.bench.report.Report.Load;
import dev.millrace.bench.report.Report.Outcome;
import dev.millrace.bench.report.Report.Spread;
import dev.millrace.bench.report.Sample.Content;
import dev.millrace.bench.report.Sample.Figure;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReportTest {

    private static final Content EQUAL = new Content(100, 0, true, 0);
    private static final Content DIFFERENT = new Content(100, 1, true, 7);

    @Test
    void aRatioIsTakenWithinEachRun() {
        Report report =
                report(
                        sample("copy-pipe", 1, 200, EQUAL),
                        sample("millrace", 1, 100, EQUAL),
                        sample("millrace", 2, 30, EQUAL),
                        sample("copy-pipe", 2, 100, EQUAL),
                        sample("copy-pipe", 3, 100, EQUAL),
                        sample("millrace", 3, 80, EQUAL));

        Outcome outcome = report.outcomes().getFirst();

        assertThat(outcome.target().name()).isEqualTo("backfill against the COPY pipe");
        assertThat(outcome.spread()).isEqualTo(new Spread(0.5, 0.3, 0.8));
        assertThat(outcome.grade()).isEqualTo("reach");
    }

    @Test
    void aDifferenceScoresZeroForRatesAndNothingForCosts() {
        Sample different = sample("millrace", 1, 100, DIFFERENT);

        assertThat(different.isValid()).isFalse();
        assertThat(different.scored(Figure.RATE)).hasValue(0);
        assertThat(different.scored(Figure.CPU)).isEmpty();
        assertThat(sample("millrace", 1, 100, EQUAL).scored(Figure.CPU)).hasValue(9);
    }

    @Test
    void aDifferenceOfTheProductMakesTheTargetMissed() {
        Report report =
                report(sample("copy-pipe", 1, 100, EQUAL), sample("millrace", 1, 100, DIFFERENT));

        assertThat(report.outcomes().getFirst().grade()).isEqualTo("missed");
        assertThat(MarkdownReport.summary(report))
                .anyMatch(line -> line.contains("scores zero: 1 of 100 rows differ"));
        assertThat(MarkdownReport.of(report, "What bounds it."))
                .contains(
                        "What bounds it.",
                        "| 1 | millrace | 1 of 100 rows differ, the first has key 7 |");
    }

    @Test
    void aFailureScoresZero() {
        Sample failed =
                new Sample(
                        Measure.BACKFILL,
                        "millrace",
                        1,
                        Map.of(),
                        Optional.empty(),
                        Optional.of("The service ended."));

        assertThat(failed.isValid()).isFalse();
        assertThat(failed.scored(Figure.RATE)).hasValue(0);
        assertThat(MarkdownReport.line(failed)).isEqualTo("scores zero: The service ended.");
    }

    @Test
    void lowerIsBetterForTimes() {
        Outcome outcome =
                new Outcome(
                        Report.Target.ALL.stream()
                                .filter(target -> target.figure() == Figure.P99)
                                .findFirst()
                                .orElseThrow(),
                        new Spread(61, 50, 70));

        assertThat(outcome.grade()).isEqualTo("reach");
    }

    @Test
    void theMedianOfAnEvenNumberIsTheMeanOfTheTwoInTheMiddle() {
        assertThat(Spread.of(List.of(4.0, 1.0, 2.0, 8.0))).hasValue(new Spread(3, 1, 8));
        assertThat(Spread.of(List.of())).isEmpty();
    }

    @Test
    void versionsAreReadFromTheNamesOfJars() {
        assertThat(
                        Machine.ofLibraries(
                                "/a b/kafka-clients-4.3.1.jar:/x/debezium-connector-postgres-3.7.0.Final.jar"))
                .isEqualTo(Map.of("Kafka", "4.3.1", "Debezium", "3.7.0.Final"));
    }

    @Test
    void growthIsTheLastRateInRelationToTheFirst() {
        Map<Long, List<Sample>> runs = new LinkedHashMap<>();
        runs.put(1L, List.of(sample("millrace", 1, 200, EQUAL), sample("millrace", 2, 100, EQUAL)));
        runs.put(500L, List.of(sample("millrace", 1, 75, EQUAL)));

        Growth growth = new Growth(Growth.Axis.TABLES, runs);

        assertThat(growth.sentence())
                .isEqualTo("With 500 tables the rate is 0.50 of the rate with 1.");
        assertThat(SvgChart.curve("title <1>", growth.curve()))
                .contains("title &lt;1&gt;", "<polyline points=");
    }

    private static Sample sample(String contestant, int run, double rate, Content content) {
        return new Sample(
                Measure.BACKFILL,
                contestant,
                run,
                Map.of(Figure.RATE, rate, Figure.CPU, 9.0),
                Optional.of(content),
                Optional.empty());
    }

    private static Report report(Sample... samples) {
        return new Report(
                List.of(Measure.BACKFILL),
                Load.QUICK,
                3,
                new Machine(Instant.EPOCH, 2, 1 << 30, "cpu", "system", Map.of("Java", "25")),
                Map.of("millrace", Map.of("setting", "a|b")),
                List.of(samples),
                List.of(),
                Map.of());
    }
}
