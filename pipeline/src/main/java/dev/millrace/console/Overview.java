package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.cli.text.Progress;
import dev.millrace.cli.text.RollbackView;
import dev.millrace.cli.text.StatusView;
import dev.millrace.flow.FlowReport;
import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Lag;
import dev.millrace.migration.StatusReport.Part;
import dev.millrace.migration.StatusReport.Table;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The values of the page *Overview*.
///
/// @param path the way of the data, from one side to the other
/// @param others components beside the path
/// @param backfill how far the existing rows are read
/// @param paused why the backfill is paused; empty if it is not
/// @param limit of the backfill; empty without one
/// @param operation the last move of the traffic; empty without one
/// @param reconciled the last verdict, or `never`
/// @param foreign what another program wrote on the target; empty without any
/// @param wayBack what a rollback would cost now, by label; empty unless one is possible
public record Overview(
        List<Node> path,
        List<Node> others,
        List<Gauge> lags,
        Reading backfill,
        String paused,
        String limit,
        String operation,
        String reconciled,
        String foreign,
        Map<String, String> wayBack,
        List<String> blockers,
        List<String> warnings,
        List<String> next) {

    /// The box of a lag's line.
    public static final int WIDTH = 240;

    public static final int HEIGHT = 40;

    private static final String REVERSE = "reverse-";

    private static final Set<String> ON_PATH =
            Set.of("source", "capture", "kafka", "mappings", "applier", "target");

    /// @param title for people
    /// @param state of the component, in words
    /// @param flow what leaves it per second; empty if nothing is counted there
    public record Node(String title, String state, boolean well, String flow) {}

    /// @param line its values in the last minutes, as the path of an SVG
    public record Gauge(String title, String value, String help, String line) {}

    /// @param percent 0 to 100; `null` while a table has no estimate
    /// @param text rows, rate and time left
    public record Reading(@Nullable Integer percent, boolean done, String text) {}

    static Overview of(StatusReport status, Samples samples) {
        FlowReport.Backfill flow = status.backfill();
        return new Overview(
                path(status, samples),
                status.parts().stream()
                        .filter(part -> !ON_PATH.contains(part.name().replace(REVERSE, "")))
                        .map(part -> node(part.name(), part, ""))
                        .toList(),
                lags(status.lag(), samples),
                reading(status.tables(), samples),
                flow == null || !flow.paused()
                        ? ""
                        : "paused by "
                                + flow.who()
                                + (flow.reason() == null ? "" : ": " + flow.reason()),
                flow == null
                        ? ""
                        : String.join(
                                ", ",
                                StatusView.limits(
                                        flow.rowsPerSecond(), flow.bytesPerSecond(), flow.speed())),
                operation(status.operation()),
                reconciled(status.lastReconciliation()),
                foreign(status.foreignWrites()),
                status.rollback() == null ? Map.of() : RollbackView.lines(status.rollback()),
                status.blockers(),
                status.warnings(),
                status.nextActions());
    }

    /// After a switchover the changes go back. A part that the status does not have, as of an ended
    /// migration, is left out.
    private static List<Node> path(StatusReport status, Samples samples) {
        boolean isBack = status.parts().stream().anyMatch(part -> part.name().startsWith(REVERSE));
        String prefix = isBack ? REVERSE : "";
        List<Node> path = new ArrayList<>();
        add(path, status, isBack ? "target" : "source", isBack ? "Target" : "Source", "");
        add(
                path,
                status,
                prefix + "capture",
                "Capture",
                isBack ? "" : perSecond(samples.rate(Samples.Sample::events), "changes/s"));
        add(path, status, "kafka", "Kafka", "");
        add(path, status, prefix + "mappings", "Mappings", "");
        add(
                path,
                status,
                prefix + "applier",
                "Apply",
                isBack ? "" : perSecond(samples.rate(Samples.Sample::rows), "rows/s"));
        add(path, status, isBack ? "source" : "target", isBack ? "Source" : "Target", "");
        return List.copyOf(path);
    }

    private static void add(
            List<Node> path, StatusReport status, String name, String title, String flow) {
        status.parts().stream()
                .filter(part -> part.name().equals(name))
                .map(part -> node(title, part, flow))
                .forEach(path::add);
    }

    private static Node node(String title, Part part, String flow) {
        return new Node(title, part.state(), part.well(), flow);
    }

    private static String perSecond(OptionalDouble rate, String unit) {
        return rate.isEmpty() ? "" : Figures.count(Math.round(rate.getAsDouble())) + " " + unit;
    }

    private static List<Gauge> lags(Lag lag, Samples samples) {
        return List.of(
                gauge(
                        "Source",
                        Figures.bytes(lag.sourceBytes()),
                        "WAL that the source keeps because Kafka has not confirmed it",
                        Lag::sourceBytes,
                        samples),
                gauge(
                        "Log",
                        lag.records() == null
                                ? Figures.UNKNOWN
                                : Figures.count(lag.records()) + " changes",
                        "changes in the log that are not applied yet",
                        Lag::records,
                        samples),
                gauge(
                        "End to end",
                        Figures.seconds(lag.endToEndSeconds()),
                        "age of the newest point in time of the source up to which the target is complete",
                        Lag::endToEndSeconds,
                        samples));
    }

    private static Gauge gauge(
            String title,
            String value,
            String help,
            Function<Lag, @Nullable Number> number,
            Samples samples) {
        return new Gauge(title, value, help, samples.line(number, WIDTH, HEIGHT));
    }

    private static Reading reading(List<Table> tables, Samples samples) {
        long read = Progress.rowsDone(tables);
        if (Progress.isDone(tables)) {
            return new Reading(100, true, Figures.count(read) + " rows read");
        }
        OptionalDouble rate = samples.rate(Samples.Sample::rowsRead);
        Long expected = Progress.rowsEstimated(tables);
        String text =
                Figures.count(read)
                        + (expected == null ? "" : " of about " + Figures.count(expected))
                        + " rows";
        if (rate.isPresent()) {
            text += ", " + perSecond(rate, "rows/s");
            if (expected != null && rate.getAsDouble() > 0) {
                text +=
                        ", about "
                                + Figures.duration(
                                        Duration.ofSeconds(
                                                Math.round((expected - read) / rate.getAsDouble())))
                                + " left";
            }
        }
        return new Reading(
                expected == null || expected == 0 ? null : percent(read, expected), false, text);
    }

    /// An estimate may be too low; only what is done shows 100.
    static int percent(long read, long expected) {
        return (int) Math.min(99, 100 * read / expected);
    }

    private static String operation(StatusReport.@Nullable Move move) {
        if (move == null) {
            return "";
        }
        Long waited = move.pauseMs();
        return move.kind()
                + " "
                + move.state()
                + (move.step() == null || move.finishedAt() != null ? "" : ", step " + move.step())
                + (move.outcome() == null ? "" : ": " + move.outcome())
                + (waited == null
                        ? ""
                        : String.format(Locale.ROOT, " Writes waited for at most %,d ms.", waited));
    }

    private static String reconciled(StatusReport.@Nullable LastReconciliation last) {
        return last == null
                ? "never"
                : last.verdict() + ", " + Figures.second(last.finishedAt().toString());
    }

    private static String foreign(StatusReport.@Nullable ForeignWrites found) {
        return found == null || found.rows() == 0
                ? ""
                : Figures.count(found.rows())
                        + " rows that another program wrote differ from the source, in "
                        + String.join(", ", found.tables());
    }
}
