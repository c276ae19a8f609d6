package dev.millrace.spec.flow;

import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Refusal;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// When the flow is held by itself. It does not change what the target's rows mean, so it is not
/// part of `SpecHash`: it can be edited between two starts of one migration. Immutable. Its text
/// prints no statement.
///
/// @param stopWhen in the order of the file
/// @param walBudget bytes of WAL that the source may retain; without it, the source's own limit
/// @param walExit what is done when the budget is used up
public record FlowSetting(List<StopCondition> stopWhen, OptionalLong walBudget, WalExit walExit) {

    /// What is done when the WAL budget is used up.
    public enum WalExit {
        /// Nothing: the source decides.
        KEEP("keep"),
        /// The slot is dropped, so that the source retains no WAL. The migration fails.
        DROP_SLOT("drop-slot");

        private final String id;

        WalExit(String id) {
            this.id = id;
        }

        public String id() {
            return id;
        }

        public static Optional<WalExit> of(String id) {
            return Stream.of(values()).filter(each -> each.id.equals(id)).findFirst();
        }
    }

    /// Nothing is declared.
    public static final FlowSetting NONE =
            new FlowSetting(List.of(), OptionalLong.empty(), WalExit.KEEP);

    /// A setting that keeps the slot.
    public FlowSetting(List<StopCondition> stopWhen, OptionalLong walBudget) {
        this(stopWhen, walBudget, WalExit.KEEP);
    }

    /// The name of [#BUDGET_EXCEEDED], which no condition of the file can have.
    public static final String WAL_EXIT = "wal-exit";

    /// Before the source removes WAL that the slot needs, or runs out of disk space.
    public static final StopCondition BUDGET_EXCEEDED =
            new StopCondition(
                    WAL_EXIT,
                    new Measure.WalBudget(),
                    0.95,
                    Duration.ofSeconds(1),
                    Consequence.DROP_SLOT);

    /// The name of [#BUDGET_USED], which no condition of the file can have.
    public static final String WAL_BUDGET = "wal-budget";

    /// Reading existing rows adds to what capture has to do, so it ends first when the source
    /// retains too much WAL.
    public static final StopCondition BUDGET_USED =
            new StopCondition(
                    WAL_BUDGET,
                    new Measure.WalBudget(),
                    0.8,
                    Duration.ofSeconds(1),
                    Consequence.PAUSE_BACKFILL);

    /// Why a condition of the file cannot have this name.
    public static Optional<Refusal> refusalOfName(String name) {
        if (!name.matches(StopCondition.NAME)) {
            return Optional.of(
                    new Refusal(
                            "is not a name", "use at most 60 of a-z, A-Z, 0-9, '.', '_' and '-'"));
        }
        return name.equals(WAL_BUDGET) || name.equals(WAL_EXIT)
                ? Optional.of(
                        new Refusal(
                                "is the name of the condition of wal-budget", "use another name"))
                : Optional.empty();
    }

    public FlowSetting {
        stopWhen = List.copyOf(stopWhen);
    }

    @Override
    public String toString() {
        return "FlowSetting" + stopWhen.stream().map(StopCondition::name).toList();
    }
}
