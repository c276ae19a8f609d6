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
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.spec.flow.FlowSetting;
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
/// @param catchUp how long the target needs until it has what the source has now; empty if nothing
///   is on its way
/// @param conditions the stop conditions, with their distance to the limit
/// @param wal what the source keeps, against its budget; `null` if an older or ended service does
///   not say it
/// @param backfill how far the existing rows are read
/// @param paused why the backfill is paused; empty if it is not
/// @param limit of the backfill; empty without one
/// @param operation the last move of the traffic; empty without one
/// @param again rows that are or must be read again; empty without any
/// @param reconciled the last verdict, or `never`
/// @param foreign what another program wrote on the target; empty without any
/// @param wayBack what a rollback would cost now, by label; empty unless one is possible
public record Overview(
        List<Node> path,
        List<Node> others,
        List<Gauge> lags,
        String catchUp,
        List<Condition> conditions,
        @Nullable Wal wal,
        Reading backfill,
        String paused,
        String limit,
        String operation,
        String again,
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
    /// @param edge what goes on to the next; empty if nothing is counted there
    public record Node(String title, String state, boolean well, Edge edge) {}

    /// @param text how much, in words
    /// @param moves something does
    public record Edge(String text, boolean moves) {

        static final Edge NONE = new Edge("", false);

        static Edge of(OptionalDouble rate, String unit) {
            return rate.isEmpty()
                    ? NONE
                    : new Edge(perSecond(rate, unit), Math.round(rate.getAsDouble()) > 0);
        }
    }

    /// @param distance the value, and the limit
    /// @param percent of the limit, at most 100; `null` while the value is unknown
    /// @param then what is held, and after which time
    /// @param severity `good`, `busy` or `bad`
    /// @param state in words
    public record Condition(
            String name,
            String distance,
            @Nullable Integer percent,
            String then,
            String severity,
            String state) {

        private static Condition of(FlowReport.Condition condition) {
            Double share = condition.share();
            String reason = condition.reason();
            return new Condition(
                    condition.name(),
                    amount(condition.value(), condition.unit())
                            + " of "
                            + amount(condition.above(), condition.unit())
                            + (condition.name().equals(condition.metric())
                                    ? ""
                                    : ", " + condition.metric()),
                    share == null
                            ? null
                            : Integer.valueOf(Math.clamp(Math.round(share * 100), 0, 100)),
                    condition.then()
                            + (condition.forSeconds() > 0
                                    ? " after " + amount(condition.forSeconds(), "seconds")
                                    : ""),
                    switch (condition.state()) {
                        case "below" -> "good";
                        case "above" -> "busy";
                        default -> "bad";
                    },
                    condition.state() + (reason == null ? "" : ": " + reason));
        }

        private static String amount(@Nullable Double value, String unit) {
            if (value == null) {
                return Figures.UNKNOWN;
            }
            return switch (unit) {
                case "seconds" ->
                        value < 1
                                ? Math.round(value * 1_000) + " ms"
                                : Figures.seconds(value).replace(".0 s", " s");
                case "bytes" -> Figures.bytes(Math.round(value));
                default -> String.format(Locale.ROOT, "%,.1f", value).replaceFirst("\\.0$", "");
            };
        }
    }

    /// @param percent of the budget, at most 100; `null` while it is unknown
    /// @param trend how fast it grows, and when the budget is used up; empty while it is unknown
    public record Wal(String used, @Nullable Integer percent, String trend) {

        private static @Nullable Wal of(FlowReport.@Nullable Wal wal) {
            if (wal == null) {
                return null;
            }
            Double share = wal.share();
            return new Wal(
                    Figures.bytes(wal.retainedBytes())
                            + (wal.budgetBytes() == null
                                    ? ", without a budget"
                                    : " of " + Figures.bytes(wal.budgetBytes())),
                    share == null
                            ? null
                            : Integer.valueOf(Math.clamp(Math.round(share * 100), 0, 100)),
                    trend(wal.bytesPerSecond(), wal.secondsLeft()));
        }

        private static String trend(@Nullable Double perSecond, @Nullable Double left) {
            if (perSecond == null) {
                return "";
            }
            String rate = Figures.bytes(Math.round(Math.abs(perSecond))) + "/s";
            if (left != null) {
                return "grows by "
                        + rate
                        + ", used up in about "
                        + Figures.duration(Duration.ofSeconds(Math.round(left)));
            }
            return perSecond < 0 ? "shrinks by " + rate : "does not grow";
        }
    }

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
                        .map(part -> node(part.name(), part, Edge.NONE))
                        .toList(),
                lags(status.lag(), samples),
                catchUp(status),
                status.stopWhen().stream()
                        .filter(each -> !isIdleBudget(each))
                        .map(Condition::of)
                        .toList(),
                Wal.of(status.wal()),
                reading(status, samples),
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
                again(status.rebackfill()),
                reconciled(status.lastReconciliation()),
                foreign(status.foreignWrites()),
                status.rollback() == null ? Map.of() : RollbackView.lines(status.rollback()),
                status.blockers(),
                status.warnings(),
                status.nextActions());
    }

    /// The retained WAL itself says enough.
    private static boolean isIdleBudget(FlowReport.Condition condition) {
        return condition.name().equals(FlowSetting.WAL_BUDGET) && condition.state().equals("below");
    }

    /// After a switchover the changes go back. A part that the status does not have, as of an ended
    /// migration, is left out.
    private static List<Node> path(StatusReport status, Samples samples) {
        boolean isBack = status.parts().stream().anyMatch(part -> part.name().startsWith(REVERSE));
        String prefix = isBack ? REVERSE : "";
        List<Node> path = new ArrayList<>();
        Edge read =
                isBack || Progress.isDone(status.tables())
                        ? Edge.NONE
                        : Edge.of(samples.rate(Samples.Sample::rowsRead), "rows read/s");
        Edge captured =
                isBack ? Edge.NONE : Edge.of(samples.rate(Samples.Sample::events), "changes/s");
        Edge applied =
                isBack
                        ? Edge.of(samples.rate(Samples.Sample::back), "changes/s")
                        : Edge.of(samples.rate(Samples.Sample::rows), "rows/s");
        add(path, status, isBack ? "target" : "source", isBack ? "Target" : "Source", read);
        add(path, status, prefix + "capture", "Capture", captured);
        add(path, status, "kafka", "Kafka", isBack ? Edge.NONE : waiting(status.lag()));
        add(path, status, prefix + "mappings", "Mappings", Edge.NONE);
        add(path, status, prefix + "applier", "Apply", applied);
        add(path, status, isBack ? "source" : "target", isBack ? "Source" : "Target", Edge.NONE);
        return List.copyOf(path);
    }

    private static Edge waiting(Lag lag) {
        return new Edge(
                lag.records() == null
                        ? Figures.UNKNOWN + " waiting"
                        : Figures.count(lag.records()) + " waiting",
                false);
    }

    private static void add(
            List<Node> path, StatusReport status, String name, String title, Edge edge) {
        status.parts().stream()
                .filter(part -> part.name().equals(name))
                .map(part -> node(title, part, edge))
                .forEach(path::add);
    }

    private static Node node(String title, Part part, Edge edge) {
        return new Node(title, part.state(), part.well(), edge);
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

    /// In the other phases the changes of the application do not go to the target.
    private static String catchUp(StatusReport status) {
        if (status.eta() == null
                || !List.of("BACKFILLING", "CATCHING_UP", "IN_SYNC").contains(status.phase())) {
            return "";
        }
        Double left = status.eta().catchUpSeconds();
        if (left == null) {
            return "Time until the target has caught up: " + Figures.UNKNOWN + ".";
        }
        return left > 0 ? "The target has caught up in " + about(left) + "." : "";
    }

    private static String about(double seconds) {
        return "about " + Figures.duration(Duration.ofSeconds(Math.max(1, Math.round(seconds))));
    }

    private static Reading reading(StatusReport status, Samples samples) {
        List<Table> tables = status.tables();
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
        }
        Double left = status.eta() == null ? null : status.eta().backfillSeconds();
        text += left == null ? ", time left " + Figures.UNKNOWN : ", " + about(left) + " left";
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

    private static String again(Rebackfill.@Nullable Summary again) {
        if (again == null) {
            return "";
        }
        return again.operation() == null
                ? "Rows must be read again: " + again.required()
                : "Re-backfill of "
                        + (again.table() == null ? "all tables" : again.table())
                        + ", step "
                        + again.step();
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
