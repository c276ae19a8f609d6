package dev.millrace.flow;

import dev.millrace.control.flow.FlowStore.Pause;
import dev.millrace.control.flow.FlowStore.Setting;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.flow.Holds.Held;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.stream.BackfillProgress;
import dev.millrace.throttle.Throttle.Limit;
import dev.millrace.throttle.Throttle.Rate;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// What holds the flow at a moment, and how it is said: what the operator has set, and what stop
/// conditions hold. Pure and immutable.
record FlowState(FlowRules rules, Setting setting, Holds held) {

    /// Why the migration cannot be in sync.
    ///
    /// @param progress of the backfill
    /// @param blocked why stop conditions keep a switchover from beginning
    List<String> blockers(Optional<BackfillProgress> progress, List<String> blocked) {
        List<String> blockers = new ArrayList<>();
        if (isUnread(progress)) {
            setting.backfill()
                    .map(
                            pause ->
                                    paused("the backfill is paused", pause)
                                            + ". Run 'millrace resume backfill' to continue")
                    .ifPresent(blockers::add);
            held.pauses(Part.BACKFILL)
                    .map(each -> byItself("the backfill is paused", each))
                    .ifPresent(blockers::add);
        }
        blockers.addAll(holdsSwitchover(blocked));
        return blockers;
    }

    /// Why no switchover may begin.
    List<String> holdsSwitchover(List<String> blocked) {
        List<String> holds = new ArrayList<>(blocked);
        holdsMove().ifPresent(holds::addFirst);
        return holds;
    }

    /// Why the target would not receive the last changes soon.
    Optional<String> holdsMove() {
        return holdsApply()
                .or(() -> held.slows(Part.APPLY).map(slow -> "apply is " + slow.slowing()))
                .or(
                        () ->
                                setting.applyLimit().equals(Limit.NONE)
                                        ? Optional.empty()
                                        : Optional.of(
                                                "apply writes %s. Run 'millrace throttle apply --off' to lift the limit"
                                                        .formatted(
                                                                FlowRules.limited(
                                                                        setting.applyLimit()))));
    }

    private static String byItself(String what, Held held) {
        return paused(what, held.pause()) + ". It continues by itself when the value is low again";
    }

    /// Why nothing is written to the target; empty while apply may write.
    Optional<String> holdsApply() {
        return setting.apply()
                .map(
                        pause ->
                                setting.killed()
                                        ? paused("all writes are stopped", pause)
                                                + ". Run 'millrace resume all' to continue"
                                        : paused("apply is paused", pause)
                                                + ". Run 'millrace resume apply' to continue")
                .or(() -> held.pauses(Part.APPLY).map(each -> byItself("apply is paused", each)));
    }

    private static String paused(String what, Pause pause) {
        return what
                + " by "
                + pause.who()
                + " since "
                + pause.since().truncatedTo(ChronoUnit.SECONDS)
                + (pause.reason().isEmpty() ? "" : ": " + pause.reason());
    }

    /// The commands that are legal now.
    ///
    /// @param phase the name of the migration's phase
    List<String> actions(Optional<BackfillProgress> progress, String phase) {
        List<String> actions = new ArrayList<>();
        if (setting.apply().isPresent()) {
            actions.add(setting.killed() ? "resume all" : "resume apply");
        } else if (held.pauses(Part.APPLY).isEmpty() && FlowRules.refusalOfPause(phase).isEmpty()) {
            actions.add("pause apply");
            actions.add("throttle apply");
        }
        if (setting.backfill().isPresent()) {
            if (!setting.killed()) {
                actions.add("resume backfill");
            }
            actions.add("throttle");
        } else if (rules.backfill() == Backfill.WINDOWS && isUnread(progress)) {
            actions.add("pause backfill");
            actions.add("throttle");
        }
        return actions;
    }

    private static boolean isUnread(Optional<BackfillProgress> progress) {
        return progress.filter(read -> read.isComplete() && read.incompleteKeys() == 0).isEmpty();
    }

    /// What a stop condition holds although the operator has resumed it.
    String stillHeld(Action action) {
        return action instanceof Action.Resume(Set<Part> parts)
                ? parts.stream()
                        .flatMap(part -> held.pauses(part).stream())
                        .distinct()
                        .map(
                                each ->
                                        ". But stop condition %s still holds it: %s"
                                                .formatted(
                                                        each.condition().name(),
                                                        each.hold().reason()))
                        .collect(Collectors.joining())
                : "";
    }

    /// @param backfill what is read at present
    /// @param apply what is written at present
    FlowReport report(Rate backfill, Rate apply) {
        Optional<Pause> ofBackfill =
                setting.backfill().or(() -> held.pauses(Part.BACKFILL).map(Held::pause));
        Optional<Pause> ofApply =
                setting.apply().or(() -> held.pauses(Part.APPLY).map(Held::pause));
        return new FlowReport(
                rules.backfill() == Backfill.ENGINE
                        ? null
                        : FlowReport.Backfill.of(
                                setting.backfillLimit(),
                                ofBackfill,
                                speed(Part.BACKFILL, backfill)),
                FlowReport.Apply.of(
                        setting.killed(), setting.applyLimit(), ofApply, speed(Part.APPLY, apply)));
    }

    private FlowReport.Speed speed(Part part, Rate rate) {
        return new FlowReport.Speed(
                rate.rows(),
                rate.bytes(),
                held.share(part),
                held.slows(part).map(Held::slowing).orElse(null));
    }
}
