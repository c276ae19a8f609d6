package dev.millrace.reconcile;

import dev.millrace.change.Lsn;
import dev.millrace.chunk.Chunker;
import dev.millrace.chunk.ComparedTable;
import dev.millrace.chunk.RunningTransactions;
import dev.millrace.chunk.SourceSnapshot;
import dev.millrace.reconcile.Road.Delivery;
import dev.millrace.reconcile.Road.Marked;
import dev.millrace.reconcile.Road.Wait;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Takes looks at the source between two watermarks. One thread.
final class Lookout {

    private final Road road;
    private final Chunker chunker;
    private @Nullable Lsn first;

    Lookout(Road road, Chunker chunker) {
        this.road = road;
        this.chunker = chunker;
    }

    /// Position of the watermark before the first read.
    Optional<Lsn> firstLsn() {
        return Optional.ofNullable(first);
    }

    <S> Look<S> look(ComparedTable table, Instant deadline, Function<SourceSnapshot, S> read) {
        // The ends first: a commit that reaches the log before they are noted, and that the read
        // doesn't show, has an id below the watermark's and so is among the transactions that run
        // behind it. Any other lies at or behind the ends.
        Map<Integer, Long> ends = road.changesEnds();
        Marked low = road.emitWatermark();
        if (first == null) {
            first = low.lsn();
        }
        Set<Long> delivered =
                chunker.running().ids().stream()
                        .filter(id -> road.delivered(id) != Delivery.NO)
                        .collect(Collectors.toSet());
        S source;
        try (SourceSnapshot snapshot = chunker.openSource(table)) {
            source = read.apply(snapshot);
            RunningTransactions running = snapshot.running();
            delivered.removeIf(id -> !running.hides(id));
        }
        Marked high = road.emitWatermark();
        return switch (road.awaitApplied(high.number(), deadline)) {
            case Wait.Applied() ->
                    new Look.Seen<>(source, ends, Set.copyOf(delivered), high.number());
            case Wait.TimedOut(String reason) ->
                    new Look.NotSeen<>("the target did not catch up in time: " + reason);
        };
    }
}
