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

/// Compares single keys in one fenced read, while the snapshot of the target is open. Not
/// thread-safe; used once.
final class KeyRecheck {

    static final String NO_CHANGE_IN_FLIGHT =
            "no change of this key is in flight, so the log does not explain the difference";

    private final FencedRead.Fenced<SourceRows> fenced;
    private final TargetSnapshot target;
    private final KeyChangeReader changes;
    private final TableReportBuilder builder;
    private final Set<RowKey> inFlight;
    private final ReconcileLimits limits;

    /// @param inFlight receives the keys that had changes in flight
    KeyRecheck(
            FencedRead.Fenced<SourceRows> fenced,
            TargetSnapshot target,
            KeyChangeReader changes,
            TableReportBuilder builder,
            Set<RowKey> inFlight,
            ReconcileLimits limits) {
        this.fenced = fenced;
        this.target = target;
        this.changes = changes;
        this.builder = builder;
        this.inFlight = inFlight;
        this.limits = limits;
    }

    /// Decides the keys that are equal or have no change in flight.
    ///
    /// @return the keys to read again, first those whose cells were not read
    List<Suspect> decideIdle(List<RowKey> keys) {
        Sorted sorted = sort(keys);
        List<Suspect> again = new ArrayList<>();
        List<Suspect> decided = new ArrayList<>();
        for (Suspect suspect : sorted.idle()) {
            boolean lacksCells =
                    suspect.needsSourceCells()
                            && !fenced.source().requested().contains(suspect.key());
            (lacksCells && builder.canListMore() ? again : decided).add(suspect);
        }
        report(decided);
        again.addAll(sorted.changing());
        return again;
    }

    /// Decides every key; a key with changes in flight is decided from the log.
    ///
    /// @param since the ends of the changes topic before the first read of these keys
    /// @return an empty list
    List<Suspect> decideAll(List<RowKey> keys, Map<Integer, Long> since) {
        Sorted sorted = sort(keys);
        report(sorted.idle());
        if (!sorted.changing().isEmpty()) {
            new LogDecision(fenced, target, changes, builder, limits)
                    .decide(sorted.changing(), sorted.touched(), since);
        }
        return List.of();
    }

    private record Sorted(List<Suspect> idle, List<Suspect> changing, Set<RowKey> touched) {}

    private Sorted sort(List<RowKey> keys) {
        Map<RowKey, Suspect> differing = differing(keys);
        List<Suspect> idle = new ArrayList<>();
        List<Suspect> changing = new ArrayList<>();
        Set<RowKey> touched =
                differing.isEmpty()
                        ? Set.of()
                        : changes.touched(
                                fenced.ends(), target, target.stored(), differing.keySet());
        for (Suspect suspect : differing.values()) {
            if (fenced.hidden().isEmpty() && !touched.contains(suspect.key())) {
                idle.add(suspect);
            } else {
                changing.add(suspect);
                inFlight.add(suspect.key());
            }
        }
        return new Sorted(idle, changing, touched);
    }

    private Map<RowKey, Suspect> differing(List<RowKey> keys) {
        Map<RowKey, RowSum> rows = target.sums(Chunk.Keys.of(keys));
        Map<RowKey, Suspect> differing = new LinkedHashMap<>();
        for (RowKey key : keys) {
            Suspect suspect = Suspect.of(key, fenced.source().sums(), rows);
            if (suspect.isEqual()) {
                builder.rows(suspect.source(), suspect.target());
                inFlight.add(key);
            } else {
                differing.put(key, suspect);
            }
        }
        return differing;
    }

    private void report(List<Suspect> idle) {
        List<RowKey> withCells =
                idle.stream()
                        .filter(Suspect::needsTargetCells)
                        .map(Suspect::key)
                        .filter(
                                key ->
                                        !builder.waits(key)
                                                && (!fenced.source().sums().containsKey(key)
                                                        || fenced.source().rows().containsKey(key)))
                        .limit(builder.listable())
                        .toList();
        Map<RowKey, Row> rows = target.rows(withCells, limits.bytes());
        for (Suspect suspect : idle) {
            builder.rows(suspect.source(), suspect.target());
            Row actual = rows.get(suspect.key());
            @Nullable Row expected =
                    suspect.needsSourceCells() ? fenced.source().rows().get(suspect.key()) : null;
            builder.mismatch(
                    suspect.key(),
                    suspect.found(expected, actual),
                    NO_CHANGE_IN_FLIGHT,
                    expected,
                    actual);
        }
    }
}
