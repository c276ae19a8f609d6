package dev.millrace.spec.flow;

import java.util.List;

/// When the flow is held by itself. It does not change what the target's rows mean, so it is not
/// part of `SpecHash`: it can be edited between two starts of one migration. Immutable. Its text
/// prints no statement.
///
/// @param stopWhen in the order of the file
public record FlowSetting(List<StopCondition> stopWhen) {

    /// Nothing is held by itself.
    public static final FlowSetting NONE = new FlowSetting(List.of());

    public FlowSetting {
        stopWhen = List.copyOf(stopWhen);
    }

    @Override
    public String toString() {
        return "FlowSetting" + stopWhen.stream().map(StopCondition::name).toList();
    }
}
