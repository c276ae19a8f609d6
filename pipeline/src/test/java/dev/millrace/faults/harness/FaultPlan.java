package dev.millrace.faults.harness;

import dev.millrace.faults.harness.PointFault.Act;
import dev.millrace.lifecycle.PausePoint;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/// What happens in one run; the seed decides all of it.
///
/// @param kills one child after the other ends at each of these
/// @param last what happens to the last child, which nobody kills
record FaultPlan(long seed, List<PointFault> kills, PointFault last) {

    private static final List<Act> LAST_ACTS = List.of(Act.FREEZE, Act.DELAY, Act.TAKEOVER);

    FaultPlan {
        kills = List.copyOf(kills);
    }

    /// Different points: first those of the backfill, then those of the journal, then the others,
    /// of which the last is hit when both sides are in sync.
    static FaultPlan of(long seed, int kills) {
        Random random = new Random(seed);
        List<PausePoint> points = new ArrayList<>(List.of(PausePoint.values()));
        Collections.shuffle(points, random);
        List<PointFault> faults =
                points.subList(0, kills).stream()
                        .sorted(Comparator.comparingInt(PointFault::order))
                        .map(point -> PointFault.of(point, Act.KILL, random))
                        .toList();
        List<PausePoint> ofStreaming = points.stream().filter(PointFault::isOfStreaming).toList();
        return new FaultPlan(
                seed,
                lastInSync(faults),
                PointFault.of(
                        ofStreaming.get(random.nextInt(ofStreaming.size())),
                        LAST_ACTS.get(random.nextInt(LAST_ACTS.size())),
                        random));
    }

    private static List<PointFault> lastInSync(List<PointFault> faults) {
        List<PointFault> planned = new ArrayList<>(faults);
        if (!planned.isEmpty()) {
            planned.add(planned.removeLast().whenInSync());
        }
        return planned;
    }

    /// A plan with one kill.
    ///
    /// @param inSync as for [PointFault]
    static FaultPlan killAt(PausePoint point, boolean inSync, long seed) {
        return new FaultPlan(
                seed,
                List.of(new PointFault(point, 3, Act.KILL, inSync)),
                new PointFault(PausePoint.CHANGES_POLLED, 1, Act.DELAY, false));
    }
}
