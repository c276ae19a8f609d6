package dev.millrace.spec.flow;

import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/// When the flow is held by itself. It does not change what the target's rows mean, so it is not
/// part of `SpecHash`: it can be edited between two starts of one migration. Immutable. Its text
/// prints no statement.
///
/// @param stopWhen in the order of the file
/// @param walBudget bytes of WAL that the source may retain; without it, the source's own limit
public record FlowSetting(List<StopCondition> stopWhen, OptionalLong walBudget) {

    /// Nothing is declared.
    public static final FlowSetting NONE = new FlowSetting(List.of(), OptionalLong.empty());

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

    public FlowSetting {
        stopWhen = List.copyOf(stopWhen);
    }

    @Override
    public String toString() {
        return "FlowSetting" + stopWhen.stream().map(StopCondition::name).toList();
    }
}
