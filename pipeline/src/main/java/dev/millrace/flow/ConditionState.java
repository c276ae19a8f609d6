package dev.millrace.flow;

import dev.millrace.control.flow.FlowStore.Hold;
import dev.millrace.flow.LiveMetrics.Sample;
import dev.millrace.postgres.load.LoadReader.Reading;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Unit;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Decides when one stop condition begins and ends to hold the flow. Pure.
///
/// It begins when the metric has been above its limit for the condition's time, and ends when the
/// metric has been at or below 80 % of the limit for the same time. Both times count from the
/// reading that first showed it; the end needs a reading that is as much later. A value that is not
/// known ends nothing, and the time above the limit goes on. If it stays unknown for half a minute,
/// the condition holds too: what cannot be measured may be above its limit. What cannot be taken
/// back needs a value that is known. Not thread-safe; [StopConditions] guards all of them with one
/// lock.
final class ConditionState {

    /// A metric that is not known for so long counts as above its limit.
    static final Duration UNKNOWN_HOLDS = Duration.ofSeconds(30);

    /// At or below this share of the limit a condition ends.
    static final double RELEASED_BELOW = 0.8;

    /// The least share of the time in which a slowed part works.
    static final double LEAST_SHARE = 1.0 / 16;

    /// What becomes of the flow.
    sealed interface Change {

        record Begun(Hold hold) implements Change {}

        /// The condition already holds, and slows more or less than before.
        record Slowed(Hold hold, double share) implements Change {}

        record Ended(String reason) implements Change {}
    }

    private final StopCondition condition;
    private Reading last = new Reading.Unknown("not read yet");
    private @Nullable Instant aboveSince;
    private @Nullable Instant lowSince;
    private @Nullable Instant unknownSince;
    private @Nullable Hold hold;

    /// Of the time, while it holds.
    private double share = 1;

    /// Since when the share is what it is.
    private Instant shareSince = Instant.MIN;

    /// @param stored what the condition held before a restart
    ConditionState(StopCondition condition, Optional<Hold> stored) {
        this.condition = condition;
        this.hold = stored.orElse(null);
        this.share = hold == null ? 1 : firstShare();
    }

    StopCondition condition() {
        return condition;
    }

    Optional<Hold> hold() {
        return Optional.ofNullable(hold);
    }

    /// The share of the time in which a slowed part works.
    double share() {
        return share;
    }

    /// The share when it begins to hold.
    double firstShare() {
        return condition.then().slows() ? 0.5 : 1;
    }

    /// What would be held now, whether or not it may be; call [#begun] or [#ended] when it is done.
    Optional<Change> observe(Sample sample, Instant now) {
        last = sample.reading();
        return switch (last) {
            case Reading.Known(double value) -> {
                unknownSince = null;
                yield value > condition.above()
                        ? above(value, sample.at(), now)
                        : below(value, sample.at(), now);
            }
            case Reading.Unknown(String reason) -> unknown(reason, now);
        };
    }

    private Optional<Change> above(double value, Instant at, Instant now) {
        lowSince = null;
        aboveSince = aboveSince == null ? at : aboveSince;
        if (!hasLasted(aboveSince, condition.sustained(), now)) {
            return Optional.empty();
        }
        String reason =
                described("%s is %s, above %s for %s", value, Duration.between(aboveSince, now));
        if (hold == null) {
            return begin(reason, now);
        }
        return mayStep(now) && share > LEAST_SHARE
                ? Optional.of(step(new Hold(reason, hold.since()), share / 2, now))
                : Optional.empty();
    }

    private String described(String form, double value, Duration time) {
        return switch (condition.measure()) {
            case Measure.HttpCheck _ ->
                    "%s has %s for %s"
                            .formatted(
                                    measured(),
                                    value > condition.above() ? "failed" : "succeeded",
                                    seconds(time));
            case Measure.Window window ->
                    "the time has been %s %s for %s"
                            .formatted(
                                    value > condition.above() ? "within" : "outside",
                                    window.text(),
                                    seconds(time));
            case Measure.BuiltIn _, Measure.WalBudget _, Measure.Scalar _ ->
                    form.formatted(
                            measured(), shown(value), shown(condition.above()), seconds(time));
        };
    }

    /// The share changes by one step for each time of the condition.
    private boolean mayStep(Instant now) {
        return condition.then().slows() && hasLasted(shareSince, condition.sustained(), now);
    }

    private Change step(Hold next, double to, Instant now) {
        hold = next;
        share = to;
        shareSince = now;
        return new Change.Slowed(next, to);
    }

    private Optional<Change> below(double value, Instant at, Instant now) {
        aboveSince = null;
        if (value > condition.above() * RELEASED_BELOW) {
            lowSince = null;
            return Optional.empty();
        }
        lowSince = lowSince == null ? at : lowSince;
        Hold held = hold;
        if (held == null || !hasLasted(lowSince, condition.sustained(), at)) {
            return Optional.empty();
        }
        if (share <= 0.25 && condition.then().slows()) {
            return mayStep(now) ? Optional.of(step(held, share * 2, now)) : Optional.empty();
        }
        return condition.then().slows() && !mayStep(now)
                ? Optional.empty()
                : Optional.of(
                        new Change.Ended(
                                described(
                                        "%s is %s, at or below 80 %% of %s for %s",
                                        value, Duration.between(lowSince, at))));
    }

    private Optional<Change> unknown(String reason, Instant now) {
        lowSince = null;
        unknownSince = unknownSince == null ? now : unknownSince;
        return hold == null
                        && !condition.then().isFinal()
                        && hasLasted(unknownSince, UNKNOWN_HOLDS, now)
                ? begin(
                        "%s is unknown for %s: %s"
                                .formatted(
                                        measured(),
                                        seconds(Duration.between(unknownSince, now)),
                                        reason),
                        now)
                : Optional.empty();
    }

    private static Optional<Change> begin(String reason, Instant now) {
        return Optional.of(new Change.Begun(new Hold(reason, now)));
    }

    private static boolean hasLasted(Instant since, Duration time, Instant now) {
        return Duration.between(since, now).compareTo(time) >= 0;
    }

    void begun(Hold begun) {
        hold = begun;
        share = firstShare();
        shareSince = begun.since();
    }

    void ended() {
        hold = null;
        share = 1;
    }

    /// Why a switchover may not begin; an unknown value closes the gate at once.
    Optional<String> blocksSwitchover() {
        if (condition.then() != Consequence.BLOCK_SWITCHOVER) {
            return Optional.empty();
        }
        Hold now = hold;
        if (now != null) {
            return Optional.of(
                    "the stop condition %s blocks the switchover: %s"
                            .formatted(condition.name(), now.reason()));
        }
        return last instanceof Reading.Unknown(String reason)
                ? Optional.of(
                        "the stop condition %s blocks the switchover: %s is unknown: %s"
                                .formatted(condition.name(), measured(), reason))
                : Optional.empty();
    }

    FlowReport.Condition report() {
        Hold held = hold;
        Double value = last instanceof Reading.Known(double known) ? known : null;
        return new FlowReport.Condition(
                condition.name(),
                measured(),
                condition.measure().unit().name().toLowerCase(Locale.ROOT),
                value,
                condition.above(),
                value == null || condition.above() == 0 ? null : value / condition.above(),
                condition.sustained().toMillis() / 1000.0,
                condition.then().id(),
                held != null
                        ? "held"
                        : value == null ? "unknown" : aboveSince == null ? "below" : "above",
                held != null && condition.then().slows() ? share : null,
                held != null
                        ? held.reason()
                        : last instanceof Reading.Unknown(String reason) ? reason : null,
                held != null ? held.since() : value == null ? unknownSince : aboveSince,
                aboveSince);
    }

    private String measured() {
        return switch (condition.measure()) {
            case Measure.BuiltIn(var metric) -> metric.id();
            case Measure.WalBudget _ -> "the used part of the WAL budget";
            case Measure.HttpCheck _ -> "check " + condition.name();
            case Measure.Window window -> "the time window " + window.text();
            case Measure.Scalar(var on, String _) ->
                    "the number of "
                            + condition.name()
                            + " on the "
                            + on.name().toLowerCase(Locale.ROOT);
        };
    }

    private String shown(double value) {
        return shown(condition.measure().unit(), value);
    }

    static String shown(Unit unit, double value) {
        return switch (unit) {
            case SECONDS ->
                    value < 1
                            ? Math.round(value * 1000) + " ms"
                            : String.format(Locale.ROOT, "%.1f s", value);
            case BYTES ->
                    value < 1 << 30
                            ? String.format(Locale.ROOT, "%.1f MB", value / (1 << 20))
                            : String.format(Locale.ROOT, "%.1f GB", value / (1 << 30));
            case NUMBER ->
                    value == Math.rint(value)
                            ? String.format(Locale.ROOT, "%.0f", value)
                            : String.format(Locale.ROOT, "%.3f", value);
        };
    }

    private static String seconds(Duration time) {
        return time.toSeconds() + " s";
    }
}
