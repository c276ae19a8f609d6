package dev.millrace.console;

import dev.millrace.migration.StatusReport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What every page has: the migration, its phase and the other pages.
///
/// @param migration its name; empty while the service starts
/// @param phase the name of the phase; `STARTING` while the service starts
/// @param meaning what the phase says, in a sentence
/// @param severity `good`, `bad` or `busy`, for the colour of the phase
/// @param stages of a migration, in their order; empty if it failed or ended otherwise
/// @param visitor who sees the page
/// @param self the address of the page
/// @param part whether only the part that changes is rendered
public record Frame(
        String migration,
        String phase,
        String meaning,
        String severity,
        List<Stage> stages,
        Page page,
        Visitor visitor,
        String self,
        boolean part) {

    /// The pages, in the order of the navigation.
    public enum Page {
        OVERVIEW("/", "Overview"),
        TABLES("/tables", "Tables"),
        RECONCILIATIONS("/reconciliations", "Reconciliations"),
        SWITCHOVER("/switchover", "Switchover"),
        REJECTED("/rejected", "Rejected keys"),
        LOG("/log", "Log"),
        JOURNAL("/journal", "Journal"),
        SETTINGS("/settings", "Settings");

        private final String path;
        private final String title;

        Page(String path, String title) {
            this.path = path;
            this.title = title;
        }

        public String path() {
            return path;
        }

        public String title() {
            return title;
        }
    }

    /// @param state `done`, `now` or `later`
    public record Stage(String name, String state) {}

    /// A part of a text that is or is not a time. A time is not broken into lines, and neither is a
    /// figure with its unit.
    public record Part(String text, boolean time) {

        private static final Pattern TIME = Pattern.compile("\\d{4}-\\d{2}-\\d{2}T[\\d:.]+Z");
        private static final Pattern BEFORE_UNIT =
                Pattern.compile("(?<=\\d) (?=(?:ms|s|min|h|B|[KMGT]iB)\\b)");

        public static List<Part> of(String text) {
            List<Part> parts = new ArrayList<>();
            String joined = BEFORE_UNIT.matcher(text).replaceAll("\u00a0");
            Matcher found = TIME.matcher(joined);
            int end = 0;
            while (found.find()) {
                parts.add(new Part(joined.substring(end, found.start()), false));
                parts.add(new Part(found.group(), true));
                end = found.end();
            }
            parts.add(new Part(joined.substring(end), false));
            return parts;
        }
    }

    private enum Step {
        PLANNED("Planned"),
        BACKFILLING("Backfill"),
        CATCHING_UP("Catch up"),
        IN_SYNC("In sync"),
        SWITCHING_OVER("Switchover"),
        REVERSIBLE("Reversible"),
        COMPLETED("Completed");

        private final String title;

        Step(String title) {
            this.title = title;
        }
    }

    static Frame starting(PageSource source, boolean part, Visitor visitor) {
        return new Frame(
                "",
                "STARTING",
                "The migration is starting. Reload this page in a moment.",
                "busy",
                List.of(),
                source.page(),
                visitor,
                source.self(),
                part);
    }

    static Frame of(StatusReport status, PageSource source, boolean part, Visitor visitor) {
        return new Frame(
                status.migration(),
                status.phase(),
                isHeld(status)
                        ? "Nothing is written to the target; changes are kept in the log."
                        : meaning(status),
                severity(status),
                stages(status.phase()),
                source.page(),
                visitor,
                source.self(),
                part);
    }

    /// The address of the part that changes.
    public String live() {
        return address("live");
    }

    /// The address of the events that bring this part.
    public String stream() {
        return address("stream");
    }

    private String address(String requested) {
        return self + (self.contains("?") ? "&" : "?") + "part=" + requested;
    }

    /// The operation that moves the traffic from this phase.
    public String verb() {
        return phase.equals("REVERSIBLE") ? "rollback" : "switchover";
    }

    /// How the migration may be ended in this phase: `complete`, `abort`, or empty.
    public String end() {
        return switch (phase) {
            case "REVERSIBLE" -> "complete";
            case "PLANNED", "BACKFILLING", "CATCHING_UP", "IN_SYNC", "FAILED" -> "abort";
            default -> "";
        };
    }

    /// Nothing is read or written any more.
    public boolean ended() {
        return phase.equals("COMPLETED") || phase.equals("ABORTED");
    }

    public Page[] pages() {
        return Page.values();
    }

    /// Whether an operation may begin in this phase.
    public boolean mayMove() {
        return List.of("CATCHING_UP", "IN_SYNC", "REVERSIBLE").contains(phase);
    }

    public String shownPhase() {
        return phase.replace('_', ' ').toLowerCase(Locale.ROOT);
    }

    /// In these phases a pause of apply changes what happens.
    private static boolean isHeld(StatusReport status) {
        return status.apply() != null
                && status.apply().paused()
                && List.of("BACKFILLING", "CATCHING_UP", "IN_SYNC").contains(status.phase());
    }

    private static String meaning(StatusReport status) {
        return switch (status.phase()) {
            case "PLANNED" -> "Nothing was read or written yet.";
            case "BACKFILLING" -> "Existing rows are being read; changes are kept in the log.";
            case "CATCHING_UP" -> "Existing rows are read; changes are being applied.";
            case "IN_SYNC" ->
                    status.blockers().isEmpty()
                            ? "The target follows the source."
                            : "The target follows the source, except for what the overview shows as"
                                    + " blocked.";
            case "SWITCHING_OVER" -> "An operation moves the application's writes.";
            case "REVERSIBLE" ->
                    "The application writes to the target; its changes go back to the source.";
            case "UNRESOLVED" -> "Only a person can say whether the application was routed.";
            case "COMPLETED" -> "The migration has ended. The application uses the target.";
            case "ABORTED" -> "The migration has ended. The application uses the source.";
            case "FAILED" -> "The migration cannot continue by itself.";
            default -> "The migration is ending.";
        };
    }

    private static String severity(StatusReport status) {
        if (status.phase().equals("FAILED") || status.phase().equals("UNRESOLVED")) {
            return "bad";
        }
        boolean isWell = status.parts().stream().allMatch(StatusReport.Part::well);
        boolean isSettled =
                List.of("IN_SYNC", "REVERSIBLE", "COMPLETED", "ABORTED").contains(status.phase());
        if (!isWell || !status.blockers().isEmpty() && isSettled) {
            return "bad";
        }
        return isSettled ? "good" : "busy";
    }

    /// A failed migration shows no stage: the status does not say in which it failed.
    private static List<Stage> stages(String phase) {
        String reached = phase.equals("UNRESOLVED") ? "SWITCHING_OVER" : phase;
        List<String> names = Arrays.stream(Step.values()).map(Enum::name).toList();
        int at = names.indexOf(reached);
        if (at < 0) {
            return List.of();
        }
        return Arrays.stream(Step.values())
                .map(
                        stage ->
                                new Stage(
                                        stage.title,
                                        stage.ordinal() < at
                                                ? "done"
                                                : stage.ordinal() == at ? "now" : "later"))
                .toList();
    }
}
