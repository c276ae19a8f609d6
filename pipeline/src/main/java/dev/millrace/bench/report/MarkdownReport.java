package dev.millrace.bench.report;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.report.Report.Load;
import dev.millrace.bench.report.Report.Outcome;
import dev.millrace.bench.report.Report.Spread;
import dev.millrace.bench.report.Sample.Content;
import dev.millrace.bench.report.Sample.Figure;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Renders a report as Markdown, and parts of it for the terminal. Stateless.
public final class MarkdownReport {

    private static final Map<Measure, String> MEANING =
            Map.of(
                    Measure.BACKFILL,
                    "Copies %1$,d existing rows. The clock starts when the contestant begins to read"
                            + " the table, and ends when the last row is visible on the target.",
                    Measure.STREAM,
                    "Follows %2$,d changes in transactions of 100 rows, written as fast as the"
                            + " source accepts them. The clock starts at the first commit and ends"
                            + " when the last change is visible.",
                    Measure.LATENCY,
                    "Follows %3$,d changes per second for %4$d s, each a transaction of one row,"
                            + " started on schedule (open loop). A latency is the time from the"
                            + " return of COMMIT on the source until a query on the target returns"
                            + " the row.",
                    Measure.CATCHUP,
                    "Applies a backlog of %2$,d transactions of one row, committed while the"
                            + " contestant was stopped. The clock starts when the first change of"
                            + " the backlog is visible and ends when the last one is.",
                    Measure.RECONCILE,
                    "Compares %5$,d rows of source and target, from the request to the verdict:"
                            + " equal ones, and then with 10, 10,000 and only different rows on the"
                            + " target. If 10,000 rows differ, Millrace compares no further. Beside"
                            + " it, both servers count their rows, and compute the MD5 of each row's"
                            + " text, at the same time.");

    private MarkdownReport() {}

    /// @param notes text that people wrote, placed after the targets; may be empty
    public static String of(Report report, String notes) {
        Stream<String> measures =
                report.measures().stream().flatMap(measure -> measure(report, measure).stream());
        return Stream.of(
                                head(report).stream(),
                                targets(report).stream(),
                                notes.lines(),
                                Stream.of(""),
                                measures,
                                growth(report).stream(),
                                profiles(report).stream(),
                                settings(report).stream())
                        .flatMap(lines -> lines)
                        .collect(Collectors.joining("\n"))
                + "\n";
    }

    /// The targets' table for the terminal, and what was invalid.
    public static List<String> summary(Report report) {
        List<String> lines = new ArrayList<>();
        for (Outcome outcome : report.outcomes()) {
            lines.add(
                    outcome.target().name()
                            + ": "
                            + number(outcome.spread().median())
                            + " (reach "
                            + number(outcome.target().reach())
                            + ", aim "
                            + number(outcome.target().aim())
                            + "): "
                            + outcome.grade());
        }
        report.samples().stream()
                .filter(sample -> !sample.isValid())
                .map(
                        sample ->
                                sample.measure()
                                        + " "
                                        + sample.contestant()
                                        + ", run "
                                        + sample.run()
                                        + ", scores zero: "
                                        + reason(sample))
                .forEach(lines::add);
        return lines;
    }

    /// The figures of one run in one line.
    public static String line(Sample sample) {
        if (!sample.isValid()) {
            return "scores zero: " + reason(sample);
        }
        return new TreeMap<>(sample.figures())
                        .entrySet().stream()
                                .map(one -> number(one.getValue()) + " " + one.getKey().unit())
                                .collect(Collectors.joining(", "))
                + ", content equal";
    }

    private static List<String> head(Report report) {
        Machine machine = report.machine();
        return List.of(
                "# Performance",
                "",
                "Written by `millrace bench` on "
                        + machine.at()
                        + ". Each section says when it was measured.",
                "",
                "Every contestant runs on the same machine, with the same two PostgreSQL servers"
                        + " and the same data, one after the other, in another order in each run."
                        + " Before each measure no autovacuum runs, and both servers write a"
                        + " checkpoint. After each measure every row of the target is compared with"
                        + " the source; with any difference a run scores zero. "
                        + (report.runs() == 1
                                ? "Each contestant ran once."
                                : "Figures are medians of "
                                        + report.runs()
                                        + " runs with the least and the greatest value.")
                        + " CPU time is the sum of"
                        + " user and system time of all processes: the contestant with its broker,"
                        + " and both servers with their sessions, also those that have ended.",
                "",
                "| machine | |",
                "|---|---|",
                "| processor | " + machine.cpu() + ", " + machine.cores() + " cores |",
                "| memory | " + (machine.memoryBytes() >> 20) + " MiB |",
                "| system | " + machine.system() + " |",
                "| programs | "
                        + machine.versions().entrySet().stream()
                                .map(one -> one.getKey() + " " + one.getValue())
                                .collect(Collectors.joining(", "))
                        + " |",
                "");
    }

    private static List<String> targets(Report report) {
        List<String> lines = new ArrayList<>();
        lines.add("## Targets");
        lines.add("");
        lines.add("| measure | median | least | most | reach | aim | met |");
        lines.add("|---|--:|--:|--:|--:|--:|---|");
        for (Outcome outcome : report.outcomes()) {
            Spread spread = outcome.spread();
            lines.add(
                    row(
                            outcome.target().name(),
                            number(spread.median()),
                            number(spread.least()),
                            number(spread.most()),
                            number(outcome.target().reach()),
                            number(outcome.target().aim()),
                            outcome.grade()));
        }
        lines.add("");
        return lines;
    }

    private static List<String> measure(Report report, Measure measure) {
        Load load = report.load();
        List<String> lines = new ArrayList<>();
        lines.add("## " + title(measure));
        lines.add("");
        lines.add(
                String.format(
                                Locale.ROOT,
                                MEANING.getOrDefault(measure, ""),
                                load.rows(),
                                load.changes(),
                                load.rate(),
                                load.latencySeconds(),
                                load.reconciledRows())
                        + measuredAt(report, measure.toString()));
        lines.add("");
        lines.add("![" + title(measure) + "](" + ReportFiles.plot(measure) + ")");
        lines.add("");
        lines.addAll(figures(report, measure));
        lines.add("");
        lines.addAll(contents(report, measure));
        lines.add("");
        return lines;
    }

    private static String measuredAt(Report report, String what) {
        Instant at = report.times().get(what);
        return at == null ? "" : " Measured at " + at + ".";
    }

    /// One row per figure, one column per contestant.
    private static List<String> figures(Report report, Measure measure) {
        List<String> lines = new ArrayList<>();
        List<String> contestants = report.contestants(measure);
        lines.add("| median (least to most) | " + String.join(" | ", contestants) + " |");
        lines.add("|---|" + "--:|".repeat(contestants.size()));
        for (Figure figure : Figure.values()) {
            List<Optional<Spread>> spreads =
                    contestants.stream()
                            .map(contestant -> report.spread(measure, contestant, figure))
                            .toList();
            if (spreads.stream().anyMatch(Optional::isPresent)) {
                lines.add(
                        spreads.stream()
                                .map(spread -> spread.map(MarkdownReport::range).orElse(""))
                                .collect(
                                        Collectors.joining(
                                                " | ", "| " + figure.unit() + " | ", " |")));
            }
        }
        return lines;
    }

    /// What the comparison of each target found.
    private static List<String> contents(Report report, Measure measure) {
        List<String> lines = new ArrayList<>();
        lines.add("| run | contestant | content |");
        lines.add("|--:|---|---|");
        report.samples().stream()
                .filter(sample -> sample.measure() == measure)
                .map(
                        sample ->
                                row(
                                        Integer.toString(sample.run()),
                                        sample.contestant(),
                                        reason(sample)))
                .forEach(lines::add);
        return lines;
    }

    private static List<String> growth(Report report) {
        List<String> lines = new ArrayList<>();
        for (Growth growth : report.growth()) {
            lines.add("## Cost as the number of " + growth.axis() + " grows");
            lines.add("");
            lines.add(growth.sentence() + measuredAt(report, growth.axis().toString()));
            lines.add("");
            lines.add("![" + growth.axis() + "](" + ReportFiles.plot(growth.axis()) + ")");
            lines.add("");
            lines.add("| " + growth.axis() + " | rows/s | least | most |");
            lines.add("|--:|--:|--:|--:|");
            growth.curve()
                    .forEach(
                            (value, spread) ->
                                    lines.add(
                                            row(
                                                    String.format(Locale.ROOT, "%,d", value),
                                                    number(spread.median()),
                                                    number(spread.least()),
                                                    number(spread.most()))));
            lines.add("");
        }
        return lines;
    }

    private static List<String> profiles(Report report) {
        List<String> lines = new ArrayList<>();
        report.profiles()
                .forEach(
                        (measure, profile) -> {
                            lines.add("## Where the service's time goes: " + measure);
                            lines.add("");
                            lines.add(
                                    String.format(
                                            Locale.ROOT,
                                            "%,d samples of Flight Recorder in one more run, whose"
                                                    + " figures do not count. It samples threads that"
                                                    + " run Java code. Compare the CPU time of the"
                                                    + " three parts above for what is outside of it.",
                                            profile.samples()));
                            lines.add("");
                            lines.add("| threads | share |");
                            lines.add("|---|--:|");
                            shares(lines, profile.threads());
                            lines.add("");
                            lines.add("| package | share |");
                            lines.add("|---|--:|");
                            shares(lines, profile.packages());
                            lines.add("");
                            lines.add("| method | share |");
                            lines.add("|---|--:|");
                            shares(lines, profile.methods());
                            lines.add("");
                        });
        return lines;
    }

    private static void shares(List<String> lines, List<Profile.Share> shares) {
        for (Profile.Share share : shares) {
            lines.add(
                    row(
                            "`" + share.name() + "`",
                            String.format(Locale.ROOT, "%.1f %%", share.part() * 100)));
        }
    }

    private static List<String> settings(Report report) {
        List<String> lines = new ArrayList<>();
        lines.add("## Settings");
        lines.add("");
        lines.add("| of | setting | value |");
        lines.add("|---|---|---|");
        Map<String, Map<String, String>> all = new TreeMap<>(report.settings());
        all.put("both servers", BenchServers.PARAMETERS);
        all.forEach(
                (who, settings) ->
                        new TreeMap<>(settings)
                                .forEach(
                                        (name, value) ->
                                                lines.add(row(who, name, "`" + value + "`"))));
        return lines;
    }

    private static String reason(Sample sample) {
        return sample.failure()
                .or(() -> sample.content().map(Content::text))
                .orElse("not compared");
    }

    private static String range(Spread spread) {
        return number(spread.median())
                + " ("
                + number(spread.least())
                + " to "
                + number(spread.most())
                + ")";
    }

    private static String row(String... cells) {
        return Arrays.stream(cells)
                .map(cell -> cell.replace("|", "\\|"))
                .collect(Collectors.joining(" | ", "| ", " |"));
    }

    static String title(Measure measure) {
        return measure.name().charAt(0) + measure.toString().substring(1);
    }

    /// Three significant digits for small numbers, whole numbers with separators for large ones.
    static String number(double value) {
        return String.format(
                Locale.ROOT, value >= 100 ? "%,.0f" : value >= 10 ? "%.1f" : "%.2f", value);
    }
}
