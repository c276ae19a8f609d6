package dev.millrace.reconcile;

import dev.millrace.change.Lsn;
import dev.millrace.digest.Chunker;
import dev.millrace.digest.Chunker.SourceSession;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReplicationProgress.Marked;
import dev.millrace.reconcile.ReplicationProgress.Wait;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongPredicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Takes looks at the source between two watermarks. One thread.
final class FencedSourceReader {

    private static final Duration ASK_AGAIN = Duration.ofMillis(50);

    private final ReplicationProgress road;
    private final Chunker chunker;
    private final ReconcileLimits limits;
    private final Cancellation cancellation;
    private final InstantSource clock;
    private @Nullable Lsn first;

    FencedSourceReader(
            ReplicationProgress road,
            Chunker chunker,
            ReconcileLimits limits,
            Cancellation cancellation,
            InstantSource clock) {
        this.road = road;
        this.chunker = chunker;
        this.limits = limits;
        this.cancellation = cancellation;
        this.clock = clock;
    }

    /// Position of the watermark before the first read.
    Optional<Lsn> firstLsn() {
        return Optional.ofNullable(first);
    }

    /// @param read one snapshot of the source, closed afterwards
    <S> FencedRead<S> look(Function<SourceSession, S> read) {
        cancellation.check();
        // The ends first: a commit that reaches the log before they are noted, and that the read
        // doesn't show, has an id below the watermark's and so is among the transactions that run
        // behind it. Any other lies at or behind the ends.
        Map<Integer, Long> ends = road.changesEnds();
        Marked low = road.emitWatermark();
        if (first == null) {
            first = low.lsn();
        }
        Set<Long> hidden = hidden();
        S source;
        try (SourceSession snapshot = chunker.openSource()) {
            source = read.apply(snapshot);
            RunningTransactions running = snapshot.running();
            hidden.removeIf(id -> !running.hides(id));
        }
        cancellation.check();
        Marked high = road.emitWatermark();
        return switch (road.awaitApplied(high.number(), cancellation)) {
            case Wait.Applied() ->
                    new FencedRead.Seen<>(source, ends, Set.copyOf(hidden), high.number());
            case Wait.GivenUp(String reason) -> {
                cancellation.check();
                yield new FencedRead.NotSeen<>("the target did not catch up: " + reason);
            }
        };
    }

    /// The transactions in the log that the source does not show. It usually shows them within
    /// milliseconds of their commit, and a read that begins then needs no allowance for them.
    private Set<Long> hidden() {
        // Before the snapshot is taken: what is forgotten by now is shown to it.
        LongPredicate delivered = road.delivered();
        Instant patience = clock.instant().plus(limits.untilShown());
        while (true) {
            Set<Long> hidden =
                    chunker.running().ids().stream()
                            .filter(delivered::test)
                            .collect(Collectors.toSet());
            if (hidden.isEmpty() || !clock.instant().isBefore(patience)) {
                return hidden;
            }
            cancellation.pause(ASK_AGAIN);
            cancellation.check();
        }
    }
}
