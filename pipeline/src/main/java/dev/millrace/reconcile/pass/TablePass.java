package dev.millrace.reconcile.pass;

import dev.millrace.change.Lsn;
import dev.millrace.change.RowKey;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.KeyRange;
import dev.millrace.digest.ReadFailed;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.lifecycle.Incident;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.FencedRead.Between;
import dev.millrace.reconcile.KeyVerifier;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import dev.millrace.reconcile.ReplicationProgress.ReplicationUnavailable;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.Suspect;
import dev.millrace.reconcile.TableReportBuilder;
import dev.millrace.reconcile.pass.ChunkComparison.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionService;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Compares a large table in chunks: ranges of its key, each with its own watermarks and snapshots.
/// Each chunk takes about a second, so a pass may take as long as it needs: no snapshot is old, and
/// few keys change while their chunk is compared. Confined to the reconciliation's thread, which
/// verifies suspects while other threads compare chunks.
final class TablePass {

    private static final Logger LOG = LoggerFactory.getLogger(TablePass.class);

    /// Suspects of several chunks are verified together, because each verification takes two
    /// watermarks.
    private static final int VERIFIED_TOGETHER = 2_000;

    private static final String MANY =
            "too many rows of a chunk differ, and all that were read again had changes in flight or"
                    + " are parked. Reconcile again while fewer rows are written";

    /// A crash costs at most so many chunks, and those that are being compared.
    private static final int STORED_TOGETHER = 10;

    private static final int TRIES = 5;
    private static final Duration POLL = Duration.ofMillis(50);

    /// Twice as long after each further failure.
    private static final Duration AFTER_A_FAILURE = Duration.ofSeconds(1);

    private final ReconcileContext with;
    private final ComparedTable table;
    private final TableReportBuilder builder;
    private final ChunkComparison comparison;
    private final CompletionService<Done> threads;
    private final InstantSource clock;
    private final PassProgress progress;
    private final Supplier<Optional<StartPosition>> start;
    private final Deque<Work> open = new ArrayDeque<>();

    /// Chunks whose suspects are to be verified.
    private final List<ChunkState> suspicious = new ArrayList<>();

    /// Equal chunks whose progress is not stored.
    private final List<PassProgress.Chunk> equal = new ArrayList<>();

    private int running;
    private boolean ended;

    /// What was found of a chunk so far. It may be divided into parts.
    private static final class ChunkState {

        private final PassProgress.Chunk planned;
        private final List<Suspect> suspects = new ArrayList<>();
        private int openParts = 1;
        private RowSum rows = RowSum.NONE;
        private long inFlight;
        private @Nullable Between between;

        ChunkState(PassProgress.Chunk planned) {
            this.planned = planned;
        }

        void add(Outcome.Compared part) {
            openParts--;
            rows = rows.plus(part.equal());
            inFlight += part.touched();
            suspects.addAll(part.suspects());
            extend(part.between());
        }

        private void extend(Between other) {
            between = between == null ? other : between.and(other);
        }

        /// Some keys were read again before this position.
        void until(Lsn before) {
            extend(new Between(before, before));
        }

        PassProgress.Chunk foundEqual() {
            if (between == null) {
                throw new IllegalStateException("The chunk was not compared.");
            }
            return planned.foundEqual(new PassProgress.Equal(rows, inFlight, between));
        }
    }

    /// @param tries how often this range was compared before
    private record Work(ChunkState chunk, KeyRange range, int tries) {

        Work again() {
            return new Work(chunk, range, tries + 1);
        }
    }

    private record Done(Work work, Outcome outcome) {}

    /// @param threads compare chunks
    /// @param start where the first read of the pass was, if it is known
    TablePass(
            ReconcileContext with,
            ComparedTable table,
            TableReportBuilder builder,
            Executor threads,
            PassProgress progress,
            Supplier<Optional<StartPosition>> start,
            InstantSource clock) {
        this.with = with;
        this.table = table;
        this.builder = builder;
        this.comparison = new ChunkComparison(with, table, new ReentrantLock());
        this.threads = new ExecutorCompletionService<>(threads);
        this.progress = progress;
        this.start = start;
        this.clock = clock;
    }

    /// @return false if the source cannot read ranges of the key by an index; nothing was compared
    boolean run() {
        Instant started = clock.instant();
        try {
            Optional<List<PassProgress.Chunk>> chunks = new ChunkPlan(with, table).of(progress);
            if (chunks.isEmpty()) {
                return false;
            }
            builder.rows(RowSum.NONE, RowSum.NONE);
            chunks.get().forEach(this::open);
            compareAll();
            storeEqual();
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            with.cancellation().check();
            end(reason(e), TableReportBuilder.passes(e));
        } finally {
            builder.took(Duration.between(started, clock.instant()));
        }
        return true;
    }

    private static String reason(RuntimeException failure) {
        return Incident.reason(LOG, "A table could not be compared.", failure);
    }

    /// Compares no further chunk: the table is undecided, unless differences were found.
    ///
    /// @param passing whether the reason passes by itself
    private void end(String why, boolean passing) {
        builder.partial();
        builder.undecided(0, why);
        if (passing) {
            builder.passing();
        }
        ended = true;
    }

    private void open(PassProgress.Chunk chunk) {
        if (chunk.equal().isPresent()) {
            PassProgress.Equal found = chunk.equal().get();
            builder.rows(found.rows(), found.rows());
            builder.inFlight(found.inFlight());
            report(chunk, found);
        } else {
            open.add(new Work(new ChunkState(chunk), chunk.range(), 0));
        }
    }

    private void report(PassProgress.Chunk chunk, PassProgress.Equal found) {
        builder.chunk(
                chunk.number(),
                new ChunkReport(
                        texts(chunk.range().from()),
                        texts(chunk.range().to()),
                        found.rows().rows(),
                        found.between().after().toString(),
                        found.between().before().toString()));
    }

    private static @Nullable List<String> texts(@Nullable RowKey bound) {
        return bound == null ? null : bound.values().stream().map(String::valueOf).toList();
    }

    private void compareAll() {
        while (true) {
            with.cancellation().check();
            // More than run at a time, so that no thread waits for this one.
            while (!ended && !open.isEmpty() && running < 2 * with.limits().chunks().parallel()) {
                begin(open.remove());
            }
            if (running > 0) {
                poll().ifPresent(this::take);
            } else if (!suspicious.isEmpty()
                    && builder.differences() < with.limits().chunks().differences()) {
                // Also after a chunk could not be compared: what differs in others is found.
                verifySuspicious();
            } else if (open.isEmpty() || ended) {
                return;
            }
            int suspects = suspicious.stream().mapToInt(chunk -> chunk.suspects.size()).sum();
            if (suspects >= VERIFIED_TOGETHER && !ended) {
                verifySuspicious();
            }
            if (equal.size() >= STORED_TOGETHER) {
                storeEqual();
            }
        }
    }

    private void storeEqual() {
        if (!equal.isEmpty()) {
            progress.equal(table, List.copyOf(equal), start.get());
            equal.clear();
        }
    }

    private void begin(Work work) {
        running++;
        threads.submit(() -> new Done(work, compare(work)));
    }

    /// A server that does not respond needs some time.
    private Outcome compare(Work work) {
        try {
            return comparison.compare(work.range());
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            String why = reason(e);
            with.cancellation().pause(AFTER_A_FAILURE.multipliedBy(1L << work.tries()));
            return new Outcome.Again(why, TableReportBuilder.passes(e));
        }
    }

    private Optional<Done> poll() {
        try {
            Future<Done> next = threads.poll(POLL.toMillis(), TimeUnit.MILLISECONDS);
            if (next == null) {
                return Optional.empty();
            }
            running--;
            return Optional.of(Cancellation.result(next));
        } catch (InterruptedException _) {
            throw Cancellation.interrupted();
        }
    }

    private void take(Done done) {
        if (ended) {
            return;
        }
        switch (done.outcome()) {
            case Outcome.Compared compared -> compared(done.work().chunk(), compared);
            case Outcome.Divided(List<KeyRange> parts) -> {
                ChunkState chunk = done.work().chunk();
                chunk.openParts += parts.size() - 1;
                // First, so that few chunks are divided at a time.
                parts.reversed().forEach(part -> open.addFirst(new Work(chunk, part, 0)));
            }
            case Outcome.TooMany(List<Suspect> some) -> verifySome(done.work(), some);
            case Outcome.Again again -> again(done.work(), again);
            case Outcome.Undecided(String why, boolean passing) -> end(why, passing);
        }
    }

    private void compared(ChunkState chunk, Outcome.Compared part) {
        builder.rows(part.equal(), part.equal());
        builder.inFlight(part.touched());
        chunk.add(part);
        if (chunk.openParts == 0) {
            if (chunk.suspects.isEmpty()) {
                foundEqual(chunk);
            } else {
                suspicious.add(chunk);
            }
        }
    }

    private void foundEqual(ChunkState chunk) {
        PassProgress.Chunk found = chunk.foundEqual();
        found.equal().ifPresent(how -> report(found, how));
        equal.add(found);
    }

    private void again(Work work, Outcome.Again reason) {
        if (work.tries() + 1 < TRIES) {
            open.addLast(work.again());
        } else {
            end(reason.why(), reason.passing());
        }
    }

    /// If no suspect is different or undecided, all these chunks are equal. The rows of the
    /// suspects count for the first of them, because all are stored together.
    private void verifySuspicious() {
        List<ChunkState> chunks = List.copyOf(suspicious);
        suspicious.clear();
        long differences = builder.differences();
        long undecided = builder.undecidedKeys();
        RowSum before = builder.sourceRows();
        verify(chunks.stream().flatMap(chunk -> chunk.suspects.stream()).toList());
        if (builder.differences() == differences
                && builder.undecidedKeys() == undecided
                && builder.isDecided()) {
            storeEqual();
            ChunkState first = chunks.getFirst();
            first.rows = first.rows.plus(builder.sourceRows().minus(before));
            for (ChunkState chunk : chunks) {
                chunk.inFlight += chunk.suspects.size();
                with.sourceReader().lastLsn().ifPresent(chunk::until);
                foundEqual(chunk);
            }
            storeEqual();
        }
    }

    private void verify(List<Suspect> some) {
        new KeyVerifier(with, table, builder).verify(some);
        if (builder.differences() >= with.limits().chunks().differences()) {
            builder.partial();
            ended = true;
        }
    }

    /// The rest of the chunk's rows that differ is not verified. If all of some rows were in
    /// flight, the chunk is compared again: the first verification must not count their rows.
    private void verifySome(Work work, List<Suspect> some) {
        TableReportBuilder probe = new TableReportBuilder(table.mapping().target());
        new KeyVerifier(with, table, probe).verify(some);
        if (probe.differences() == 0) {
            again(work, new Outcome.Again(MANY, false));
            return;
        }
        verify(some);
        if (builder.differences() > 0) {
            builder.partial();
        } else {
            end(MANY, false);
        }
    }
}
