package dev.millrace.flow;

import dev.millrace.control.flow.FlowStore.Hold;
import dev.millrace.control.flow.FlowStore.Pause;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.spec.flow.StopCondition;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// What stop conditions hold at a moment, by their names and in the order in which they began.
/// Immutable.
record Holds(Map<String, Held> byName) {

    static final Holds NONE = new Holds(Map.of());

    Holds {
        byName = Collections.unmodifiableMap(new LinkedHashMap<>(byName));
    }

    /// What a stop condition holds.
    ///
    /// @param share of the time in which there is work while it slows
    record Held(StopCondition condition, Hold hold, double share) {

        boolean stops(Part part) {
            return switch (condition.then()) {
                case PAUSE_BACKFILL -> part == Part.BACKFILL;
                case PAUSE -> true;
                case SLOW_BACKFILL, SLOW, BLOCK_SWITCHOVER, ROLLBACK, DROP_SLOT -> false;
            };
        }

        boolean slows(Part part) {
            return switch (condition.then()) {
                case SLOW_BACKFILL -> part == Part.BACKFILL;
                case SLOW -> true;
                case PAUSE_BACKFILL, PAUSE, BLOCK_SWITCHOVER, ROLLBACK, DROP_SLOT -> false;
            };
        }

        String slowing() {
            return "slowed to %.0f %% by stop condition %s: %s"
                    .formatted(share * 100, condition.name(), hold.reason());
        }

        boolean concernsApply() {
            return stops(Part.APPLY) || slows(Part.APPLY);
        }

        Pause pause() {
            return new Pause(hold.reason(), "stop condition " + condition.name(), hold.since());
        }
    }

    Holds with(Held held) {
        Map<String, Held> next = new LinkedHashMap<>(byName);
        next.put(held.condition().name(), held);
        return new Holds(next);
    }

    Holds without(String condition) {
        Map<String, Held> next = new LinkedHashMap<>(byName);
        next.remove(condition);
        return new Holds(next);
    }

    /// What pauses the part; the first one, if several do.
    Optional<Held> pauses(Part part) {
        return byName.values().stream().filter(each -> each.stops(part)).findFirst();
    }

    /// What slows the part most.
    Optional<Held> slows(Part part) {
        return byName.values().stream()
                .filter(each -> each.slows(part))
                .min(Comparator.comparingDouble(Held::share));
    }

    /// The share of the time in which the part works.
    double share(Part part) {
        return slows(part).map(Held::share).orElse(1.0);
    }
}
