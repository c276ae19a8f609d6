package dev.millrace.flow;

import dev.millrace.control.flow.FlowStore.Pause;
import dev.millrace.throttle.Throttle.Limit;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// What is set for the flow, as `status -o json` prints it. Immutable.
///
/// @param backfill `null` with `backfill: engine`, which takes no settings
public record FlowReport(@Nullable Backfill backfill, Apply apply) {

    /// What is set for the backfill.
    ///
    /// @param rowsPerSecond limit of all tables together; `null` without a limit
    /// @param bytesPerSecond the same
    /// @param reason why the backfill is paused; `null` if it is not, or no reason was given
    /// @param who paused it; `null` if it is not paused
    /// @param since when it was paused; `null` if it is not
    public record Backfill(
            boolean paused,
            @Nullable Long rowsPerSecond,
            @Nullable Long bytesPerSecond,
            @Nullable String reason,
            @Nullable String who,
            @Nullable Instant since,
            @Nullable Speed speed) {

        static Backfill of(Limit limit, Optional<Pause> pause, Speed speed) {
            return new Backfill(
                    pause.isPresent(),
                    number(limit.rows()),
                    number(limit.bytes()),
                    given(pause),
                    pause.map(Pause::who).orElse(null),
                    pause.map(Pause::since).orElse(null),
                    speed);
        }
    }

    /// How fast it is at present.
    ///
    /// @param rowsPerSecond the average of the last five seconds
    /// @param bytesPerSecond the same
    /// @param share of the time in which there is work, 1 for all of it; less while stop conditions
    ///   slow it
    /// @param reason why it is slowed; `null` if it is not
    public record Speed(
            double rowsPerSecond, double bytesPerSecond, double share, @Nullable String reason) {}

    private static @Nullable Long number(OptionalLong number) {
        return number.isPresent() ? number.getAsLong() : null;
    }

    private static @Nullable String given(Optional<Pause> pause) {
        return pause.map(Pause::reason).filter(reason -> !reason.isEmpty()).orElse(null);
    }

    /// A stop condition as it was evaluated last.
    ///
    /// @param metric what is measured
    /// @param unit of `value` and `above`: `seconds`, `bytes` or `number`
    /// @param value `null` while it is unknown
    /// @param above the limit
    /// @param share `value` as a part of the limit: 1 is the limit; `null` while it is unknown
    /// @param forSeconds for how long the value must be above the limit
    /// @param then what is done, as in the file
    /// @param state `below`, `above` (not yet for long enough), `held` or `unknown`
    /// @param speed the share of the time in which there is work while it slows; `null` otherwise
    /// @param reason why it holds, or why the value is unknown; otherwise `null`
    /// @param since the state; `null` for `below`
    /// @param aboveSince when a reading showed first that the value is above the limit; `null`
    ///   while it is not above
    public record Condition(
            String name,
            String metric,
            String unit,
            @Nullable Double value,
            double above,
            @Nullable Double share,
            double forSeconds,
            String then,
            String state,
            @Nullable Double speed,
            @Nullable String reason,
            @Nullable Instant since,
            @Nullable Instant aboveSince) {}

    /// The WAL that the source retains for the replication slot. What is not known is `null`.
    ///
    /// @param budgetBytes `wal-budget` of the file, or `max_slot_wal_keep_size` if that is less;
    ///   `null` also if there is neither
    /// @param share the used part of the budget
    /// @param bytesPerSecond how fast the retained WAL grows, by the last minute; negative while it
    ///   shrinks
    /// @param secondsLeft until the budget is used up at this rate; `null` also while it does not
    ///   grow
    public record Wal(
            @Nullable Long retainedBytes,
            @Nullable Long budgetBytes,
            @Nullable Double share,
            @Nullable Double bytesPerSecond,
            @Nullable Double secondsLeft) {}

    /// What is set for apply.
    ///
    /// @param killed whether the source is not written either
    /// @param rowsPerSecond limit of all tables together; `null` without a limit
    /// @param bytesPerSecond the same
    /// @param reason why it is paused; `null` if it is not, or no reason was given
    /// @param who paused it; `null` if it is not paused
    /// @param since when it was paused; `null` if it is not
    public record Apply(
            boolean paused,
            boolean killed,
            @Nullable Long rowsPerSecond,
            @Nullable Long bytesPerSecond,
            @Nullable String reason,
            @Nullable String who,
            @Nullable Instant since,
            @Nullable Speed speed) {

        static Apply of(boolean killed, Limit limit, Optional<Pause> pause, Speed speed) {
            return new Apply(
                    pause.isPresent(),
                    killed,
                    number(limit.rows()),
                    number(limit.bytes()),
                    given(pause),
                    pause.map(Pause::who).orElse(null),
                    pause.map(Pause::since).orElse(null),
                    speed);
        }
    }
}
