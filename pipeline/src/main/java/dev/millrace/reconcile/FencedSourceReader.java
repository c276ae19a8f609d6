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

/// Reads the source between two watermarks. Not thread-safe; confined to the reconciliation's
/// thread.
final class FencedSourceReader {

    private static final Duration CHECK_INTERVAL = Duration.ofMillis(50);

    private final ReplicationProgress progress;
    private final Chunker chunker;
    private final ReconcileLimits limits;
    private final Cancellation cancellation;
    private final InstantSource clock;
    private @Nullable Lsn firstLsn;
    private FencedRead.@Nullable Fenced<?> first;

    FencedSourceReader(
            ReplicationProgress progress,
            Chunker chunker,
            ReconcileLimits limits,
            Cancellation cancellation,
            InstantSource clock) {
        this.progress = progress;
        this.chunker = chunker;
        this.limits = limits;
        this.cancellation = cancellation;
        this.clock = clock;
    }

    /// Position of the watermark before the first read.
    Optional<Lsn> firstLsn() {
        return Optional.ofNullable(firstLsn);
    }

    /// Where the reads began. Empty if no read succeeded, or if the log contained a transaction
    /// that the first one did not show: a change before the ends of the log would be missed.
    ///
    /// @param before positions of both servers from before the first read
    Optional<StartPosition> start(StartPosition.Servers before) {
        return Optional.ofNullable(first)
                .filter(read -> read.hidden().isEmpty())
                .map(
                        read ->
                                new StartPosition(
                                        read.high().generation(),
                                        read.ends(),
                                        before.source(),
                                        before.target()));
    }

    /// Reads one snapshot of the source and waits until the target has stored what it shows.
    ///
    /// @param read reads the snapshot, which is closed afterwards
    <S> FencedRead<S> read(Function<SourceSession, S> read) {
        cancellation.check();
        // The ends are taken first. A commit that is in the log before them, and that is not
        // visible
        // to the read, has a lower id than the watermark, so it is among the transactions that run
        // after the watermark. Every other commit has offsets at or after the ends.
        Map<Integer, Long> ends = progress.changesEnds();
        Marked low = progress.emitWatermark();
        if (firstLsn == null) {
            firstLsn = low.lsn();
        }
        Set<Long> hidden = hidden();
        S source;
        try (SourceSession snapshot = chunker.openSource()) {
            source = read.apply(snapshot);
            RunningTransactions running = snapshot.running();
            hidden.removeIf(id -> !running.hides(id));
        }
        cancellation.check();
        Marked high = progress.emitWatermark();
        return switch (progress.awaitApplied(high.number(), cancellation)) {
            case Wait.Applied() -> {
                FencedRead.Fenced<S> fenced =
                        new FencedRead.Fenced<>(source, ends, Set.copyOf(hidden), high.number());
                first = first == null ? fenced : first;
                yield fenced;
            }
            case Wait.GivenUp(String reason) -> {
                cancellation.check();
                yield new FencedRead.Failed<>("the target did not catch up: " + reason);
            }
        };
    }

    /// The transactions in the log that are not visible on the source yet. They usually become
    /// visible within milliseconds of their commit, and a read that begins then has no hidden ones.
    private Set<Long> hidden() {
        // Before the snapshot is taken: a transaction that is forgotten by now is visible to it.
        LongPredicate delivered = progress.delivered();
        Instant deadline = clock.instant().plus(limits.visibilityTimeout());
        while (true) {
            Set<Long> hidden =
                    chunker.running().ids().stream()
                            .filter(delivered::test)
                            .collect(Collectors.toSet());
            if (hidden.isEmpty() || !clock.instant().isBefore(deadline)) {
                return hidden;
            }
            cancellation.pause(CHECK_INTERVAL);
            cancellation.check();
        }
    }
}
