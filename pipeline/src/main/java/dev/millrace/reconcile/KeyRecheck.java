package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One look at single keys, while its target snapshot is open. One thread, used once.
final class KeyRecheck {

    static final String AT_REST =
            "no change of this key was under way: nothing in the log explains the difference";

    private final FencedRead.Seen<SourceRows> seen;
    private final TargetSnapshot target;
    private final KeyChangeReader trace;
    private final TableReportBuilder tally;
    private final Set<RowKey> moved;
    private final ReconcileLimits limits;

    /// @param moved gathers the keys that changes were under way for
    KeyRecheck(
            FencedRead.Seen<SourceRows> seen,
            TargetSnapshot target,
            KeyChangeReader trace,
            TableReportBuilder tally,
            Set<RowKey> moved,
            ReconcileLimits limits) {
        this.seen = seen;
        this.target = target;
        this.trace = trace;
        this.tally = tally;
        this.moved = moved;
        this.limits = limits;
    }

    /// Settles the keys that are equal or at rest.
    ///
    /// @return what has to be looked at again, first the keys whose cells were not asked for
    List<Suspect> judge(List<RowKey> keys) {
        Sorted sorted = sort(keys);
        List<Suspect> again = new ArrayList<>();
        List<Suspect> settled = new ArrayList<>();
        for (Suspect suspect : sorted.resting()) {
            boolean lacksCells =
                    suspect.needsCells() && !seen.source().asked().contains(suspect.key());
            (lacksCells && tally.wantsMore() ? again : settled).add(suspect);
        }
        confirm(settled);
        again.addAll(sorted.moving());
        return again;
    }

    /// Settles every key: those that still move are decided from the log.
    ///
    /// @param since where the changes topic ended before the first look at these keys
    /// @return nothing
    List<Suspect> settle(List<RowKey> keys, Map<Integer, Long> since) {
        Sorted sorted = sort(keys);
        confirm(sorted.resting());
        if (!sorted.moving().isEmpty()) {
            new LogDecision(seen, target, trace, tally, limits)
                    .decide(sorted.moving(), sorted.touched(), since);
        }
        return List.of();
    }

    private record Sorted(List<Suspect> resting, List<Suspect> moving, Set<RowKey> touched) {}

    private Sorted sort(List<RowKey> keys) {
        Map<RowKey, Suspect> differing = differing(keys);
        List<Suspect> resting = new ArrayList<>();
        List<Suspect> moving = new ArrayList<>();
        Set<RowKey> touched =
                differing.isEmpty()
                        ? Set.of()
                        : trace.touched(seen.ends(), target, target.stored(), differing.keySet());
        for (Suspect suspect : differing.values()) {
            if (seen.hidden().isEmpty() && !touched.contains(suspect.key())) {
                resting.add(suspect);
            } else {
                moving.add(suspect);
                moved.add(suspect.key());
            }
        }
        return new Sorted(resting, moving, touched);
    }

    private Map<RowKey, Suspect> differing(List<RowKey> keys) {
        Map<RowKey, RowSum> rows = target.sums(Chunk.Keys.of(keys));
        Map<RowKey, Suspect> differing = new LinkedHashMap<>();
        for (RowKey key : keys) {
            Suspect suspect = Suspect.of(key, seen.source().sums(), rows);
            if (suspect.isEqual()) {
                tally.rows(suspect.source(), suspect.target());
                moved.add(key);
            } else {
                differing.put(key, suspect);
            }
        }
        return differing;
    }

    private void confirm(List<Suspect> resting) {
        List<RowKey> named =
                resting.stream()
                        .filter(Suspect::needsCells)
                        .map(Suspect::key)
                        .filter(seen.source().rows()::containsKey)
                        .toList();
        Map<RowKey, Row> rows =
                tally.wantsMore() ? target.rows(named, limits.characters()) : Map.of();
        for (Suspect suspect : resting) {
            tally.rows(suspect.source(), suspect.target());
            Row actual = rows.get(suspect.key());
            Row expected = seen.source().rows().get(suspect.key());
            tally.mismatch(suspect.key(), found(suspect, expected, actual), AT_REST);
        }
    }

    /// With the columns where the cells are at hand.
    static KeyDifference.Found found(
            Suspect suspect, @Nullable Row expected, @Nullable Row actual) {
        return suspect.needsCells()
                        && expected != null
                        && actual != null
                        && KeyDifference.between(expected, actual)
                                instanceof KeyDifference.Found found
                ? found
                : suspect.withoutColumns();
    }
}
