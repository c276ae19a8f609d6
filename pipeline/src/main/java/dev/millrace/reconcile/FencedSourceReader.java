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

/// Reads the source between two watermarks. Thread-safe: several threads may read at a time.
public final class FencedSourceReader {

    private static final Duration CHECK_INTERVAL = Duration.ofMillis(50);

    /// A target that needed longer than this to catch up may need it again. Then the next snapshot
    /// waits until the target has caught up, because an open snapshot prevents vacuum.
    private static final Duration LONG_WAIT = Duration.ofSeconds(5);

    private final ReplicationProgress progress;
    private final Chunker chunker;
    private final ReconcileLimits limits;
    private final Cancellation cancellation;
    private final InstantSource clock;
    private @Nullable Lsn firstLsn;
    private @Nullable Lsn lastLsn;
    private long begun;
    private @Nullable Read first;
    private boolean lags;

    /// The beginning of a read.
    ///
    /// @param number the number of reads that began before
    /// @param ends of the changes topic
    private record Beginning(long number, Map<Integer, Long> ends) {}

    private record Read(Beginning beginning, FencedRead.Fenced<?> fenced) {}

    public FencedSourceReader(
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
    public synchronized Optional<Lsn> firstLsn() {
        return Optional.ofNullable(firstLsn);
    }

    /// Position of the last watermark after a read. Empty if none was emitted.
    public synchronized Optional<Lsn> lastLsn() {
        return Optional.ofNullable(lastLsn);
    }

    /// Where the reads began. Empty until the first read has succeeded, or if it failed, or if the
    /// log contained a transaction that it did not show: a change before the ends of the log would
    /// be missed. No other read can replace it: its ends are later.
    ///
    /// @param before positions of both servers from before the first read
    public synchronized Optional<StartPosition> start(StartPosition.Servers before) {
        return Optional.ofNullable(first)
                .map(Read::fenced)
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
    /// @param read reads the snapshot, which is closed before the wait
    public <S> FencedRead<S> read(Function<SourceSession, S> read) {
        cancellation.check();
        Beginning beginning = begin();
        emitFirst();
        Set<Long> hidden = hidden();
        S source;
        try (SourceSession snapshot = chunker.openSource()) {
            source = read.apply(snapshot);
            keepHidden(hidden, snapshot);
        }
        cancellation.check();
        return finish(beginning, emitLast(), hidden, source);
    }

    /// Compares with a snapshot of the source that remains open, so that its keys can be read again
    /// when the log is known.
    public interface Comparison<S, R> {
        /// @param between where the snapshot was taken
        R compare(SourceSession snapshot, FencedRead.Fenced<S> read, FencedRead.Between between);
    }

    /// As [#read], and runs the comparison before the snapshot is closed.
    ///
    /// @return the result of the comparison
    public <S, R> FencedRead<R> compare(
            Function<SourceSession, S> read, Comparison<S, R> comparison) {
        cancellation.check();
        if (lags()) {
            progress.awaitApplied(progress.emitWatermark().number(), cancellation);
        }
        Beginning beginning = begin();
        Marked low = emitFirst();
        Set<Long> hidden = hidden();
        try (SourceSession snapshot = chunker.openSource()) {
            S source = read.apply(snapshot);
            keepHidden(hidden, snapshot);
            snapshot.releaseLocks();
            cancellation.check();
            Marked high = emitLast();
            var between = new FencedRead.Between(low.lsn(), high.lsn());
            return switch (finish(beginning, high, hidden, source)) {
                case FencedRead.Failed<S>(String why) -> new FencedRead.Failed<>(why);
                case FencedRead.Fenced<S> fenced ->
                        fenced.with(comparison.compare(snapshot, fenced, between));
            };
        }
    }

    /// The ends are taken first. A commit that is in the log before them, and that is not visible
    /// to the read, has a lower id than the watermark, so it is among the transactions that run
    /// after the watermark. Every other commit has offsets at or after the ends. One thread at a
    /// time, so that the ends of a read that began earlier are not later.
    private synchronized Beginning begin() {
        return new Beginning(begun++, progress.changesEnds());
    }

    private Marked emitFirst() {
        Marked low = progress.emitWatermark();
        synchronized (this) {
            if (firstLsn == null || low.lsn().compareTo(firstLsn) < 0) {
                firstLsn = low.lsn();
            }
        }
        return low;
    }

    private Marked emitLast() {
        Marked high = progress.emitWatermark();
        synchronized (this) {
            if (lastLsn == null || high.lsn().compareTo(lastLsn) > 0) {
                lastLsn = high.lsn();
            }
        }
        return high;
    }

    private static void keepHidden(Set<Long> hidden, SourceSession snapshot) {
        RunningTransactions running = snapshot.running();
        hidden.removeIf(id -> !running.hides(id));
    }

    private <S> FencedRead<S> finish(Beginning beginning, Marked high, Set<Long> hidden, S source) {
        Instant emitted = clock.instant();
        return switch (progress.awaitApplied(high.number(), cancellation)) {
            case Wait.Applied() -> {
                FencedRead.Fenced<S> fenced =
                        new FencedRead.Fenced<>(
                                source, beginning.ends(), Set.copyOf(hidden), high.number());
                applied(new Read(beginning, fenced), Duration.between(emitted, clock.instant()));
                yield fenced;
            }
            case Wait.GivenUp(String reason) -> {
                cancellation.check();
                yield new FencedRead.Failed<>("the target did not catch up: " + reason);
            }
        };
    }

    private synchronized void applied(Read read, Duration waited) {
        lags = waited.compareTo(LONG_WAIT) > 0;
        if (read.beginning().number() == 0) {
            first = read;
        }
    }

    private synchronized boolean lags() {
        return lags;
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
