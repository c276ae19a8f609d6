package dev.millrace.cli.text;

import dev.millrace.cli.Terminal;
import dev.millrace.cli.Terminal.Color;
import dev.millrace.flow.FlowReport;
import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Part;
import dev.millrace.migration.StatusReport.Table;
import dev.millrace.spec.flow.FlowSetting;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Renders a status as text for a terminal.
public final class StatusView {

    private final Terminal terminal;

    public StatusView(Terminal terminal) {
        this.terminal = terminal;
    }

    /// @param progress null if there is only one sample, so that no rate is known
    /// @param mostTables maximum number of tables; unfinished tables come first, the others are
    ///   counted
    public List<String> block(StatusReport report, @Nullable Progress progress, int mostTables) {
        List<String> lines = new ArrayList<>();
        lines.add(report.migration() + "  " + phase(report));
        traffic(report.phase()).ifPresent(text -> lines.add(label("traffic") + text));
        if (report.operation() != null) {
            lines.add(label(report.operation().kind()) + operation(report.operation()));
        }
        lines.add("");
        lines.addAll(tables(report.tables(), mostTables));
        if (progress != null && !report.tables().isEmpty()) {
            lines.add(label("total") + progress.ofAll(report));
        }
        lines.add("");
        lines.add("lag              " + lag(report.lag()));
        if (report.lag().safeWalBytes() != null) {
            lines.add(
                    label("slot")
                            + Figures.bytes(report.lag().safeWalBytes())
                            + " of WAL until the source may invalidate it");
        }
        if (report.rollback() != null) {
            RollbackView.lines(report.rollback())
                    .forEach((name, text) -> lines.add(label(name) + text));
        }
        if (report.log() != null) {
            lines.add("log              " + log(report.log()));
        }
        if (report.backfill() != null) {
            flow(report.backfill()).forEach(set -> lines.add(label("backfill set") + set));
        }
        if (report.apply() != null) {
            flow(report.apply()).forEach(set -> lines.add(label("apply set") + set));
        }
        if (report.wal() != null && report.wal().budgetBytes() != null) {
            lines.add(label("wal budget") + wal(report.wal()));
        }
        report.stopWhen().stream()
                .filter(each -> !isIdleBudget(each))
                .forEach(each -> lines.add(label("stop when") + condition(each)));
        report.parts().forEach(part -> lines.add(label(part.name()) + part(part)));
        StatusReport.LastReconciliation last = report.lastReconciliation();
        lines.add("reconciled       " + (last == null ? "never" : reconciled(last)));
        if (report.journal() != null) {
            lines.add(
                    label("journal")
                            + "entry %d, hash %s"
                                    .formatted(report.journal().number(), report.journal().hash()));
        }
        report.blockers().forEach(blocker -> lines.add(label("blocked") + bad(blocker)));
        report.warnings().forEach(warning -> lines.add(label("warning") + warning));
        if (!report.nextActions().isEmpty()) {
            lines.add(label("next") + String.join(", ", report.nextActions()));
        }
        return lines;
    }

    /// Renders one line for logs and pipes.
    public String line(Instant at, StatusReport report, Progress progress) {
        List<String> parts = new ArrayList<>();
        parts.add(at.truncatedTo(ChronoUnit.SECONDS) + " " + report.phase());
        if (!Progress.isDone(report.tables())) {
            parts.add(progress.ofAll(report).replaceFirst("\\[.*] +", ""));
        }
        parts.add("lag " + lag(report.lag()));
        if (report.operation() != null && report.operation().finishedAt() == null) {
            parts.add(report.operation().kind() + " " + reached(report.operation()));
        }
        // The blockers name parts and tables again.
        problems(report).distinct().forEach(parts::add);
        return String.join(", ", parts);
    }

    private static String lag(StatusReport.Lag lag) {
        return "source "
                + Figures.bytes(lag.sourceBytes())
                + ", records "
                + Figures.count(lag.records())
                + ", end to end "
                + Figures.seconds(lag.endToEndSeconds());
    }

    private static String log(StatusReport.Log log) {
        return "changes "
                + Figures.bytes(log.changesBytes())
                + ", target "
                + Figures.bytes(log.targetBytes())
                + " on disk";
    }

    /// A service that limits nothing shows nothing.
    private static List<String> flow(FlowReport.Backfill flow) {
        List<String> set = new ArrayList<>();
        if (flow.paused()) {
            set.add(paused("paused", flow.who(), flow.reason()));
        }
        set.addAll(limits(flow.rowsPerSecond(), flow.bytesPerSecond(), flow.speed()));
        return set;
    }

    private static List<String> flow(FlowReport.Apply flow) {
        List<String> set = new ArrayList<>();
        if (flow.paused()) {
            set.add(
                    paused(
                            flow.killed() ? "all writes stopped" : "paused",
                            flow.who(),
                            flow.reason()));
        }
        set.addAll(limits(flow.rowsPerSecond(), flow.bytesPerSecond(), flow.speed()));
        return set;
    }

    /// With the present speed, if there is a limit or something slows.
    public static List<String> limits(
            @Nullable Long rows, @Nullable Long bytes, FlowReport.@Nullable Speed speed) {
        List<String> limits = new ArrayList<>();
        if (rows != null) {
            limits.add("at most " + Figures.count(rows) + " rows/s");
        }
        if (bytes != null) {
            limits.add("at most " + Figures.bytes(bytes) + "/s");
        }
        if (speed != null && speed.reason() != null) {
            limits.add(speed.reason());
        }
        if (speed != null && !limits.isEmpty()) {
            limits.add(
                    "now %s rows/s, %s/s"
                            .formatted(
                                    Figures.count(Math.round(speed.rowsPerSecond())),
                                    Figures.bytes(Math.round(speed.bytesPerSecond()))));
        }
        return limits;
    }

    /// `3.2 GB of 20 GB, full in ~2 h at this rate`
    private static String wal(FlowReport.Wal wal) {
        Double left = wal.secondsLeft();
        return Figures.bytes(wal.retainedBytes())
                + " of "
                + Figures.bytes(wal.budgetBytes())
                + (left == null
                        ? ""
                        : ", used up in ~"
                                + Figures.duration(Duration.ofSeconds(Math.round(left)))
                                + " at this rate");
    }

    /// The line of the budget itself says enough.
    private static boolean isIdleBudget(FlowReport.Condition condition) {
        return Set.of(FlowSetting.WAL_BUDGET, FlowSetting.WAL_EXIT).contains(condition.name())
                && condition.state().equals("below");
    }

    /// `target.commit.p95 25 % of its limit, then pause`
    private String condition(FlowReport.Condition condition) {
        Double share = condition.share();
        String text =
                condition.name()
                        + (share == null
                                ? ""
                                : " " + Figures.count(Math.round(share * 100)) + " % of its limit")
                        + ", then "
                        + condition.then();
        return switch (condition.state()) {
            case "below" -> text;
            case "above" -> text + " if it lasts";
            default -> bad(text + ": " + condition.state() + ", " + condition.reason());
        };
    }

    private static String paused(String what, @Nullable String who, @Nullable String reason) {
        return what + " by " + who + (reason == null ? "" : ": " + reason);
    }

    private static Stream<String> problems(StatusReport report) {
        return Stream.concat(
                report.parts().stream()
                        .filter(part -> !part.well())
                        .map(part -> part.name() + " " + part.state()),
                Stream.concat(
                        report.tables().stream()
                                .filter(table -> table.stopped() != null)
                                .map(
                                        table ->
                                                "table "
                                                        + table.target()
                                                        + " is stopped: "
                                                        + table.stopped()),
                        report.blockers().stream()));
    }

    private List<String> tables(List<Table> tables, int most) {
        TextTable text = new TextTable(3, "target", "from", "backfill", "rejected");
        tables.stream()
                .sorted(Comparator.comparing(table -> table.backfill().done()))
                .limit(most)
                .forEach(
                        table ->
                                text.row(
                                        table.target(),
                                        String.join(", ", table.sources()),
                                        Progress.of(table.backfill()),
                                        Figures.count(table.rejected())));
        List<String> lines = new ArrayList<>(text.lines());
        if (tables.size() > most) {
            lines.add("… and " + (tables.size() - most) + " more");
        }
        tables.stream()
                .filter(table -> table.stopped() != null)
                .forEach(
                        table ->
                                lines.add(bad(table.target() + " is stopped: " + table.stopped())));
        tables.stream()
                .filter(table -> table.heldKeys() != null && table.heldKeys() > 0)
                .forEach(
                        table ->
                                lines.add(
                                        "%s: held keys: %s. Another row is in the way; they are tried again by themselves."
                                                .formatted(
                                                        table.target(),
                                                        Figures.count(table.heldKeys()))));
        return lines;
    }

    private String phase(StatusReport report) {
        Color color =
                switch (report.phase()) {
                    case "IN_SYNC", "REVERSIBLE", "COMPLETED" -> Color.GOOD;
                    case "FAILED", "UNRESOLVED" -> Color.BAD;
                    case "SWITCHING_OVER" -> Color.UNSURE;
                    default -> Color.STRONG;
                };
        Instant since = report.phaseSince();
        return terminal.colored(color, report.phase())
                + (since == null ? "" : "  since " + since.truncatedTo(ChronoUnit.SECONDS));
    }

    /// Where the application writes, in the phases in which that is not the source alone.
    private static Optional<String> traffic(String phase) {
        return switch (phase) {
            case "SWITCHING_OVER" -> Optional.of("an operation moves the application's writes");
            case "UNRESOLVED" ->
                    Optional.of("only a person can say whether the application was routed");
            case "REVERSIBLE" ->
                    Optional.of(
                            "the application writes to the target; its changes go back to the"
                                    + " source");
            default -> Optional.empty();
        };
    }

    private String operation(StatusReport.Move operation) {
        Color color =
                switch (operation.state()) {
                    case "done" -> Color.GOOD;
                    case "unresolved" -> Color.BAD;
                    default -> Color.UNSURE;
                };
        Long waited = operation.pauseMs();
        return terminal.colored(color, reached(operation))
                + (operation.outcome() == null ? "" : ": " + operation.outcome())
                + (waited == null ? "" : " Writes waited for at most " + waited + " ms.");
    }

    /// `running, step fence` or `done, 2026-11-21T06:00:00Z`
    private static String reached(StatusReport.Move operation) {
        if (operation.finishedAt() != null) {
            return operation.state() + ", " + Figures.second(operation.finishedAt().toString());
        }
        return operation.state() + (operation.step() == null ? "" : ", step " + operation.step());
    }

    private String part(Part part) {
        return part.well() ? part.state() : bad(part.state());
    }

    private String reconciled(StatusReport.LastReconciliation last) {
        return terminal.colored(verdictColor(last.verdict()), last.verdict())
                + ", "
                + Figures.second(last.finishedAt().toString());
    }

    public static Color verdictColor(String verdict) {
        return switch (Verdict.of(verdict)) {
            case EQUAL -> Color.GOOD;
            case DIFFERENT -> Color.BAD;
            case UNDECIDED -> Color.UNSURE;
        };
    }

    private String bad(String text) {
        return terminal.colored(Color.BAD, text);
    }

    private static String label(String name) {
        return name + " ".repeat(Math.max(1, 17 - name.length()));
    }
}
