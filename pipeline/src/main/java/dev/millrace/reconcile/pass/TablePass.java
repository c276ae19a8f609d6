package dev.millrace.reconcile.pass;

import dev.millrace.change.Lsn;
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
import java.util.stream.IntStream;
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
    private final ChunkPace pace;
    private final ChunkComparison comparison;
    private final CompletionService<Done> threads;
    private final Setup setup;
    private final Deque<Work> open = new ArrayDeque<>();

    /// Chunks whose suspects are to be verified.
    private final List<ChunkState> suspicious = new ArrayList<>();

    /// Equal chunks whose progress is not stored.
    private final List<PassProgress.Chunk> equal = new ArrayList<>();

    private int running;
    private boolean ended;

    /// What was found of a chunk so far. It may be divided into parts.
    private static final class ChunkState {

        /// Adjacent chunks of the plan that are read together.
        private final List<PassProgress.Chunk> planned;

        private final List<Suspect> suspects = new ArrayList<>();
        private int openParts = 1;
        private RowSum rows = RowSum.NONE;
        private long inFlight;
        private @Nullable Between between;

        ChunkState(List<PassProgress.Chunk> planned) {
            this.planned = List.copyOf(planned);
        }

        KeyRange range() {
            return new KeyRange(planned.getFirst().range().from(), planned.getLast().range().to());
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

        PassProgress.Equal equal() {
            if (between == null) {
                throw new IllegalStateException("The chunk was not compared.");
            }
            return new PassProgress.Equal(rows, inFlight, between);
        }

        /// The rows of all count for the first, because all are stored together.
        List<PassProgress.Chunk> foundEqual() {
            PassProgress.Equal found = equal();
            PassProgress.Equal other = new PassProgress.Equal(RowSum.NONE, 0, found.between());
            return IntStream.range(0, planned.size())
                    .mapToObj(at -> planned.get(at).foundEqual(at == 0 ? found : other))
                    .toList();
        }
    }

    /// @param rows of the range, about
    /// @param tries how often this range was compared before
    private record Work(ChunkState chunk, KeyRange range, long rows, int tries) {

        Work(ChunkState chunk, long rows) {
            this(chunk, chunk.range(), rows, 0);
        }

        Work again() {
            return new Work(chunk, range, rows, tries + 1);
        }

        /// Whether it is a chunk of the plan that was not compared yet.
        boolean isPlanned() {
            return tries == 0 && chunk.planned.size() == 1 && range.equals(chunk.range());
        }

        boolean precedes(Work other) {
            return chunk.planned.getLast().number() + 1 == other.chunk.planned.getFirst().number();
        }

        /// This range and the next one, both of the plan.
        Work with(Work next) {
            List<PassProgress.Chunk> both = new ArrayList<>(chunk.planned);
            both.addAll(next.chunk.planned);
            return new Work(new ChunkState(both), rows + next.rows);
        }
    }

    private record Done(Work work, Outcome outcome) {}

    /// What all tables of a pass share.
    ///
    /// @param threads compare chunks
    /// @param start where the first read of the pass was, if it is known
    record Setup(
            ReconcileContext with,
            Executor threads,
            PassProgress progress,
            Supplier<Optional<StartPosition>> start,
            InstantSource clock) {}

    TablePass(Setup setup, ComparedTable table, TableReportBuilder builder) {
        this.setup = setup;
        this.with = setup.with();
        this.table = table;
        this.builder = builder;
        this.pace = new ChunkPace(with.limits().budget().chunkTime());
        this.comparison = new ChunkComparison(with, table, new ReentrantLock(), pace);
        this.threads = new ExecutorCompletionService<>(setup.threads());
    }

    /// @return false if the table has no chunks; nothing was compared
    boolean run() {
        Instant started = setup.clock().instant();
        try {
            Optional<List<PassProgress.Chunk>> chunks = plan();
            if (chunks.isEmpty()) {
                LOG.atInfo()
                        .addKeyValue("table", table.mapping().target().table())
                        .log(
                                "A table is compared as a whole, because its source cannot be read"
                                        + " in ranges of the key.");
                return false;
            }
            builder.rows(RowSum.NONE, RowSum.NONE);
            long rows = table.estimatedRows() / chunks.get().size();
            pace.plan(rows);
            chunks.get().forEach(chunk -> open(chunk, rows));
            compareAll();
            storeEqual();
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            with.cancellation().check();
            end(reason(e), TableReportBuilder.passes(e));
        } finally {
            builder.took(Duration.between(started, setup.clock().instant()));
        }
        return true;
    }

    /// A table whose chunks cannot be planned is not compared in another way, because a large one
    /// would take a snapshot for as long as it is read.
    private Optional<List<PassProgress.Chunk>> plan() {
        for (int tries = 0; ; tries++) {
            with.cancellation().check();
            try {
                return new ChunkPlan(with, table).of(setup.progress());
            } catch (ReadFailed e) {
                with.cancellation().check();
                if (e.isPermanent() || tries + 1 == TRIES) {
                    throw e;
                }
                LOG.atWarn()
                        .addKeyValue("table", table.mapping().target().table())
                        .addKeyValue("reason", reason(e))
                        .log("A table could not be divided into chunks. Millrace tries again.");
                pause(tries);
            }
        }
    }

    /// A server that does not respond needs some time.
    private void pause(int tries) {
        with.cancellation().pause(AFTER_A_FAILURE.multipliedBy(1L << tries));
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

    /// @param rows of the chunk, about
    private void open(PassProgress.Chunk chunk, long rows) {
        if (chunk.equal().isPresent()) {
            PassProgress.Equal found = chunk.equal().get();
            builder.rows(found.rows(), found.rows());
            builder.inFlight(found.inFlight());
            report(chunk.number(), chunk.range(), found);
        } else {
            open.add(new Work(new ChunkState(List.of(chunk)), rows));
        }
    }

    private void report(int number, KeyRange range, PassProgress.Equal found) {
        builder.chunk(
                number,
                new ChunkReport(
                        builder.bound(range.from()),
                        builder.bound(range.to()),
                        found.rows().rows(),
                        found.between().after().toString(),
                        found.between().before().toString()));
    }

    private void compareAll() {
        while (running > 0 || isVerifiable() || (!open.isEmpty() && !ended)) {
            with.cancellation().check();
            try {
                step();
            } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
                // What is being compared is still taken and stored.
                with.cancellation().check();
                end(reason(e), TableReportBuilder.passes(e));
            }
        }
        with.cancellation().check();
    }

    private void step() {
        // More than run at a time, so that no thread waits for this one.
        while (!ended && !open.isEmpty() && running < 2 * with.limits().chunks().parallel()) {
            begin(next());
        }
        if (running > 0) {
            poll().ifPresent(this::take);
        } else {
            // Also after a chunk could not be compared: what differs in others is found.
            verifySuspicious();
        }
        int suspects = suspicious.stream().mapToInt(chunk -> chunk.suspects.size()).sum();
        if (suspects >= VERIFIED_TOGETHER && !ended) {
            verifySuspicious();
        }
        if (equal.size() >= STORED_TOGETHER) {
            storeEqual();
        }
    }

    private boolean isVerifiable() {
        return !suspicious.isEmpty() && isBelowLimit();
    }

    private boolean isBelowLimit() {
        return builder.differences() < with.limits().chunks().differences();
    }

    private void storeEqual() {
        if (!equal.isEmpty()) {
            setup.progress().equal(table, List.copyOf(equal), setup.start().get());
            equal.clear();
        }
    }

    /// Several chunks of the plan, if they are read fast. Each session keeps enough to do.
    private Work next() {
        Work next = open.remove();
        if (!next.isPlanned()) {
            return next;
        }
        int fair = Math.max(1, open.size() / (2 * with.limits().chunks().parallel()));
        int most = Math.min(pace.together(), fair);
        while (next.chunk().planned.size() < most
                && open.peek() instanceof Work after
                && after.isPlanned()
                && next.precedes(after)) {
            next = next.with(open.remove());
        }
        return next;
    }

    private void begin(Work work) {
        running++;
        threads.submit(() -> new Done(work, compare(work)));
    }

    /// Compares, then rests so long that the session reads only in its share of the time.
    private Outcome compare(Work work) {
        long began = System.nanoTime();
        try {
            Outcome outcome = comparison.compare(work.range(), work.rows());
            Duration read = Duration.ofNanos(System.nanoTime() - began);
            with.cancellation().pause(with.limits().budget().rest(read));
            return outcome;
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            String why = reason(e);
            if (e instanceof ReadFailed failed && failed.isPermanent()) {
                return new Outcome.Undecided(why, false);
            }
            pause(work.tries());
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
        Outcome outcome = done.outcome();
        boolean isResult =
                outcome instanceof Outcome.Compared || outcome instanceof Outcome.TooMany;
        // Also after a chunk could not be compared: what differs in others is found.
        if (ended && !(isResult && isBelowLimit())) {
            return;
        }
        switch (outcome) {
            case Outcome.Compared compared -> compared(done.work().chunk(), compared);
            case Outcome.Divided(List<KeyRange> parts, long rows) -> {
                ChunkState chunk = done.work().chunk();
                chunk.openParts += parts.size() - 1;
                // First, so that few chunks are divided at a time.
                parts.reversed().forEach(part -> open.addFirst(new Work(chunk, part, rows, 0)));
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
        report(chunk.planned.getFirst().number(), chunk.range(), chunk.equal());
        equal.addAll(chunk.foundEqual());
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
        TableReportBuilder probe = builder.another();
        new KeyVerifier(with, table, probe).verify(some);
        if (probe.differences() == 0) {
            again(work, new Outcome.Again(MANY, probe.mayPass()));
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
