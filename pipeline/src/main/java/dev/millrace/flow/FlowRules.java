package dev.millrace.flow;

import dev.millrace.control.flow.FlowStore.Pause;
import dev.millrace.control.flow.FlowStore.Setting;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.flow.StopCondition.Unit;
import dev.millrace.throttle.Throttle.Limit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Which change of the flow is possible, and what is set after it. Pure.
///
/// @param backfill how existing rows are read
record FlowRules(Backfill backfill) {

    /// The engine takes no setting; a stored one waits for the windows.
    Setting possible(Setting stored) {
        return switch (backfill) {
            case WINDOWS -> stored;
            case ENGINE ->
                    new Setting(
                            Optional.empty(),
                            Limit.NONE,
                            stored.apply(),
                            stored.applyLimit(),
                            stored.killed());
        };
    }

    /// Why the change is not possible now.
    ///
    /// @param now what is set
    /// @param phase the name of the migration's phase
    Optional<String> refusal(Action action, Setting now, String phase) {
        return switch (action) {
            case Action.Pause(Set<Part> parts) ->
                    parts.contains(Part.BACKFILL)
                            ? impossible("pause").or(() -> refusalOfPause(parts, phase))
                            : refusalOfPause(parts, phase);
            case Action.Kill _ -> refusalOfPause(phase);
            case Action.Resume(Set<Part> parts) -> refusalOfResume(parts, now);
            case Action.Throttle(Part part, Limit limit) ->
                    switch (part) {
                        case BACKFILL -> impossible("throttle");
                        case APPLY ->
                                limit.equals(Limit.NONE) ? Optional.empty() : refusalOfPause(phase);
                    };
        };
    }

    private static Optional<String> refusalOfPause(Set<Part> parts, String phase) {
        return parts.contains(Part.APPLY) ? refusalOfPause(phase) : Optional.empty();
    }

    /// Why apply can be neither paused nor limited in this phase.
    static Optional<String> refusalOfPause(String phase) {
        return switch (phase) {
            case "SWITCHING_OVER" ->
                    Optional.of(
                            "Apply cannot be paused while the traffic is moved: the operation waits for it, with the application's writes held. Cancel the operation with --cancel, see 'millrace status', then run the command again");
            case "UNRESOLVED" ->
                    Optional.of(
                            "Apply cannot be paused before it is known which side the application uses. Answer with 'millrace resolve'");
            case "REVERSIBLE" ->
                    Optional.of(
                            "The application writes to the target, and only the stream back to the source is active. It is not paused, because the way back would be lost with the WAL that the target must keep for it. To stop it for a while, stop the service, which continues at its stored positions; to end it, run 'millrace complete'");
            default -> Optional.empty();
        };
    }

    private Optional<String> refusalOfResume(Set<Part> parts, Setting now) {
        if (now.killed() && !parts.contains(Part.APPLY)) {
            return Optional.of(
                    "All writes are stopped, and the backfill needs some on the source. Run 'millrace resume all'");
        }
        return parts.contains(Part.APPLY) ? Optional.empty() : impossible("resume");
    }

    private Optional<String> impossible(String kind) {
        return switch (backfill) {
            case WINDOWS -> Optional.empty();
            case ENGINE ->
                    Optional.of(
                            "'%s' is not possible with 'backfill: engine', which reads all existing rows in one transaction. Wait until the backfill is complete, or use '%s apply'; for the next migration choose 'backfill: windows', which can be paused and throttled"
                                    .formatted(kind, kind.equals("throttle") ? "pause" : kind));
        };
    }

    /// What is set after the change.
    Setting next(Action action, Setting now, Pause pause) {
        return switch (action) {
            case Action.Pause(Set<Part> parts) ->
                    new Setting(
                            parts.contains(Part.BACKFILL) ? Optional.of(pause) : now.backfill(),
                            now.backfillLimit(),
                            parts.contains(Part.APPLY) ? Optional.of(pause) : now.apply(),
                            now.applyLimit(),
                            now.killed());
            case Action.Kill _ ->
                    possible(
                            new Setting(
                                    now.backfill().or(() -> Optional.of(pause)),
                                    now.backfillLimit(),
                                    Optional.of(pause),
                                    now.applyLimit(),
                                    true));
            case Action.Resume(Set<Part> parts) ->
                    new Setting(
                            parts.contains(Part.BACKFILL) ? Optional.empty() : now.backfill(),
                            now.backfillLimit(),
                            parts.contains(Part.APPLY) ? Optional.empty() : now.apply(),
                            now.applyLimit(),
                            now.killed() && !parts.contains(Part.APPLY));
            case Action.Throttle(Part part, Limit limit) ->
                    switch (part) {
                        case BACKFILL -> now.limited(limit, now.applyLimit());
                        case APPLY -> now.limited(now.backfillLimit(), limit);
                    };
        };
    }

    /// What the change does, for the operator and the journal.
    static String text(Action action) {
        return switch (action) {
            case Action.Pause(Set<Part> parts) ->
                    !parts.contains(Part.APPLY)
                            ? "The backfill is paused. The stream of changes continues"
                            : (parts.contains(Part.BACKFILL)
                                            ? "The backfill and apply are paused"
                                            : "Apply is paused")
                                    + ". Nothing is written to the target tables; changes wait in the log";
            case Action.Kill _ ->
                    "All writes to the source and to the target tables are stopped. Changes wait in the log. Run 'millrace resume all' to continue";
            case Action.Resume(Set<Part> parts) ->
                    parts.size() > 1
                            ? "The backfill and apply continue"
                            : parts.contains(Part.APPLY)
                                    ? "Apply continues"
                                    : "The backfill continues";
            case Action.Throttle(Part part, Limit limit) ->
                    switch (part) {
                                case BACKFILL -> "The backfill reads ";
                                case APPLY -> "Apply writes ";
                            }
                            + limited(limit);
        };
    }

    /// The limit, as part of a sentence.
    static String limited(Limit limit) {
        List<String> parts = new ArrayList<>();
        limit.rows().ifPresent(rows -> parts.add(rows + " rows per second"));
        limit.bytes()
                .ifPresent(
                        bytes ->
                                parts.add(ConditionState.shown(Unit.BYTES, bytes) + " per second"));
        return parts.isEmpty() ? "without a limit" : "at most " + String.join(" and ", parts);
    }
}
