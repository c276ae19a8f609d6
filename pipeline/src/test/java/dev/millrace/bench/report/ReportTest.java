package dev.millrace.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import dev.millrace.bench.report.Report.Load;
import dev.millrace.bench.report.Report.Outcome;
import dev.millrace.bench.report.Report.Spread;
import dev.millrace.bench.report.Sample.Content;
import dev.millrace.bench.report.Sample.Figure;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
        Sample failed = failed();

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

    @Test
    void aReportIsReadAsItWasWritten() throws IOException {
        Path folder = TestFolders.create("report");
        Map<Long, List<Sample>> runs = new LinkedHashMap<>();
        runs.put(1L, List.of(sample("millrace", 1, 200, EQUAL)));
        runs.put(4L, List.of(sample("millrace", 1, 75, DIFFERENT)));
        Report report =
                new Report(
                        List.of(Measure.BACKFILL),
                        Load.QUICK,
                        3,
                        machine("cpu"),
                        Map.of("millrace", Map.of("setting", "a|b")),
                        List.of(sample("millrace", 1, 100, DIFFERENT), failed()),
                        List.of(new Growth(Growth.Axis.PARTITIONS, runs)),
                        Map.of(
                                Measure.BACKFILL,
                                new Profile(
                                        1,
                                        List.of(new Profile.Share("main", 0.5)),
                                        List.of(),
                                        List.of())),
                        Map.of("backfill", Instant.EPOCH));

        ReportFiles.write(report, folder);

        assertThat(EarlierReport.in(folder)).hasValue(report);
        assertThat(EarlierReport.in(TestFolders.create("empty"))).isEmpty();
    }

    @Test
    void aReportThatCannotBeReadIsNotOverwritten() throws IOException {
        Path folder = TestFolders.create("report");
        Files.writeString(folder.resolve("performance.json"), "{\"samples\": []}");

        assertThatThrownBy(() -> EarlierReport.in(folder))
                .isInstanceOf(ContestantFailed.class)
                .hasMessageContaining("performance.json")
                .hasMessageContaining("--out");
    }

    @Test
    void whatOnlyTheEarlierRunMeasuredIsKept() {
        Sample stream = sample(Measure.STREAM, "millrace", 1, 50, EQUAL);
        Report earlier =
                report(
                        List.of(Measure.BACKFILL, Measure.STREAM),
                        Map.of("backfill", Instant.EPOCH, "stream", Instant.EPOCH),
                        sample("millrace", 1, 100, EQUAL),
                        stream);
        Instant later = Instant.EPOCH.plusSeconds(1);
        Sample again = sample("millrace", 1, 300, EQUAL);

        Report kept =
                report(List.of(Measure.BACKFILL), Map.of("backfill", later), again)
                        .keeping(earlier);

        assertThat(kept.measures()).containsExactly(Measure.BACKFILL, Measure.STREAM);
        assertThat(kept.samples()).containsExactlyInAnyOrder(again, stream);
        assertThat(kept.times()).isEqualTo(Map.of("backfill", later, "stream", Instant.EPOCH));
        assertThat(MarkdownReport.of(kept, ""))
                .contains("Measured at 1970-01-01T00:00:01Z.", "Measured at 1970-01-01T00:00:00Z.");
    }

    /// The report states one number of reconciled rows.
    @Test
    void aReconciliationOfAnotherNumberOfRowsIsNotKept() {
        Report earlier =
                report(
                        List.of(Measure.BACKFILL, Measure.RECONCILE),
                        Map.of(),
                        sample("millrace", 1, 100, EQUAL),
                        sample(Measure.RECONCILE, "millrace", 1, 50, EQUAL));
        Report same = report(List.of(Measure.STREAM), Map.of());
        Report other =
                new Report(
                        same.measures(),
                        same.load().withReconciledRows(7),
                        same.runs(),
                        same.machine(),
                        same.settings(),
                        same.samples(),
                        same.growth(),
                        same.profiles(),
                        same.times());

        assertThat(other.differsFrom(earlier)).isEmpty();
        assertThat(same.keeping(earlier).measures())
                .containsExactly(Measure.BACKFILL, Measure.STREAM, Measure.RECONCILE);
        assertThat(other.keeping(earlier).measures())
                .containsExactly(Measure.BACKFILL, Measure.STREAM);
        assertThat(other.keeping(earlier).samples())
                .extracting(Sample::measure)
                .containsExactly(Measure.BACKFILL);
    }

    @Test
    void figuresOfAnotherMachineCannotStandBesideThese() {
        Report here = report(sample("millrace", 1, 100, EQUAL));
        Report there =
                new Report(
                        here.measures(),
                        here.load(),
                        here.runs(),
                        machine("another cpu"),
                        here.settings(),
                        here.samples(),
                        here.growth(),
                        here.profiles(),
                        here.times());

        assertThat(here.differsFrom(here)).isEmpty();
        assertThat(here.differsFrom(there))
                .hasValueSatisfying(reason -> assertThat(reason).contains("another machine"));
    }

    private static Sample failed() {
        return new Sample(
                Measure.BACKFILL,
                "millrace",
                1,
                Map.of(),
                Optional.empty(),
                Optional.of("The service ended."));
    }

    private static Sample sample(String contestant, int run, double rate, Content content) {
        return sample(Measure.BACKFILL, contestant, run, rate, content);
    }

    private static Sample sample(
            Measure measure, String contestant, int run, double rate, Content content) {
        return new Sample(
                measure,
                contestant,
                run,
                Map.of(Figure.RATE, rate, Figure.CPU, 9.0),
                Optional.of(content),
                Optional.empty());
    }

    private static Report report(Sample... samples) {
        return report(List.of(Measure.BACKFILL), Map.of(), samples);
    }

    private static Report report(
            List<Measure> measures, Map<String, Instant> times, Sample... samples) {
        return new Report(
                measures,
                Load.QUICK,
                3,
                machine("cpu"),
                Map.of("millrace", Map.of("setting", "a|b")),
                List.of(samples),
                List.of(),
                Map.of(),
                times);
    }

    private static Machine machine(String cpu) {
        return new Machine(Instant.EPOCH, 2, 1 << 30, cpu, "system", Map.of("Java", "25"));
    }
}
