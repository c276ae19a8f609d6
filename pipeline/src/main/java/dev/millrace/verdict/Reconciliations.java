package dev.millrace.verdict;

import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.control.pass.PassStore;
import dev.millrace.digest.Chunker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.lifecycle.Incident;
import dev.millrace.mapping.Mapping;
import dev.millrace.parity.SchemaParity;
import dev.millrace.reads.StreamParity;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ComparisonProgress;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits.Budget;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.pass.ReconciliationRun;
import dev.millrace.reconcile.pass.StoredPass;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.reconcile.touched.TouchedBasis;
import dev.millrace.reconcile.touched.TouchedReconciliation;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.sql.Relation;
import dev.millrace.stream.KnownTables;
import dev.millrace.stream.ReplicationStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs the reconciliations of one stream, one at a time, in the order of the requests. Finished
/// reports are in the control schema. Thread-safe.
///
/// **Interrupted.** One that was running when the service ended continues with the same id, at the
/// chunks that were not equal yet: by [#continueInterrupted], or when the same tables are requested
/// before. So does one that ended undecided for a reason that passes by itself, such as a lost
/// connection; its later report replaces the undecided one. One that was waiting when the service
/// ended has to be requested again.
public final class Reconciliations implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Reconciliations.class);

    /// Twice as long after each further interruption.
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(5);

    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);

    private static final Duration WAIT = Duration.ofMillis(100);

    /// Of the sessions that look for writes of other programs.
    static final String WRITERS = "writers";

    private static final Duration LONGEST_CHECK = Duration.ofMinutes(2);

    /// A comparison of touched keys that takes longer ends undecided.
    private static final Duration LONGEST = Duration.ofHours(24);

    private final ReplicationStream stream;
    private final Function<Mapping, TableId> named;
    private final Reconciler.Subject subject;
    private final ReconcileSetting.Load load;
    private final InstantSource clock;
    private final KnownTables tables;
    private final StreamParity parity;
    private final StoredReports reports;
    private final PassStore passes;
    private final Map<UUID, ReconciliationState> states = new ConcurrentHashMap<>();
    private final Map<UUID, ReconciliationRun> runs = new ConcurrentHashMap<>();
    private final Map<UUID, Method> methods = new ConcurrentHashMap<>();

    /// Those that this process continued by itself.
    private final Set<UUID> continued = ConcurrentHashMap.newKeySet();

    private final ExecutorService executor =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon(true).name("reconcile").factory());
    private volatile @Nullable Interrupted interrupted;

    /// How long the next interrupted reconciliation waits at least.
    private volatile Duration pause = FIRST_PAUSE;

    private volatile boolean closed;

    /// One comparison at a time has its rows in memory.
    private final ReentrantLock comparing = new ReentrantLock();

    /// What a reconciliation compares.
    public enum Method {
        ALL_ROWS,

        /// The keys that were touched since the last reconciliation of all tables, and the numbers
        /// of rows; all rows of a table that was not equal then.
        TOUCHED_KEYS
    }

    /// The state of a requested reconciliation.
    public sealed interface ReconciliationState {

        record Waiting(Instant askedAt) implements ReconciliationState {}

        record Running(Instant startedAt) implements ReconciliationState {}

        record Finished(ReconciliationReport report) implements ReconciliationState {}

        /// The reconciliation could not run; nothing is known about equality.
        record Failed(String reason) implements ReconciliationState {}
    }

    /// A reconciliation that waits or runs.
    ///
    /// @param state `waiting` or `running`
    /// @param incremental whether touched keys are compared instead of all rows
    /// @param since when it was requested, or began
    /// @param progress all zero while it waits. Of an incremental one, only tables that are
    ///   compared as a whole count
    public record Unfinished(
            UUID id,
            String state,
            boolean incremental,
            Instant since,
            ComparisonProgress.Reading progress) {}

    /// The last report of all tables, or a later one that found differences.
    ///
    /// @param allTablesAt when a reconciliation of all tables last finished; `null` before the
    ///   first
    public record Last(String verdict, Instant finishedAt, @Nullable Instant allTablesAt) {}

    /// A reconciliation that is to be continued.
    ///
    /// @param notBefore when its reason may have passed
    private record Interrupted(StoredPass.Interrupted pass, Instant notBefore) {

        boolean isOf(UUID id) {
            return pass.id().equals(id);
        }
    }

    /// @param named the table of the migration's target that a mapping reads or writes
    /// @param subject what is compared
    /// @param load what a reconciliation may cost
    public Reconciliations(
            ReplicationStream stream,
            Function<Mapping, TableId> named,
            Reconciler.Subject subject,
            ReconcileSetting.Load load,
            InstantSource clock,
            KnownTables tables,
            StreamParity parity) {
        this.load = load;
        this.parity = parity;
        this.named = named;
        this.stream = stream;
        this.subject = subject;
        this.clock = clock;
        this.tables = tables;
        this.reports = new StoredReports(stream);
        this.passes = new PassStore(stream.control(), stream.id());
    }

    /// Reads the stored reports of a generation. Reports of an earlier generation no longer count.
    /// A report that cannot be read is not known. A reconciliation of this generation that was
    /// interrupted waits to be continued.
    public synchronized void begin(int generation) {
        reports.begin(generation);
        interrupted =
                StoredPass.interrupted(passes, generation, subject.specHash(), clock.instant())
                        .map(pass -> new Interrupted(pass, clock.instant()))
                        .orElse(null);
    }

    private synchronized void beginOnce(int generation) {
        if (reports.generation() != generation) {
            begin(generation);
        }
    }

    /// @param generation of the stream
    /// @param targets tables of the migration's target; all if empty
    /// @param method all rows are compared if touched keys cannot be known
    public synchronized UUID request(
            int generation, List<String> targets, Method method, ReplicationProgress progress) {
        List<Mapping> mappings = mappings(targets);
        beginOnce(generation);
        if (method == Method.TOUCHED_KEYS && haveBasis(mappings)) {
            UUID id = UUID.randomUUID();
            enqueue(id, method, self -> compare(id, self, generation, mappings, progress));
            return id;
        }
        StoredPass.Subject pass =
                new StoredPass.Subject(
                        generation, subject.specHash(), StoredReports.names(mappings));
        Optional<UUID> earlier = StoredPass.interrupted(passes, pass, clock.instant());
        if (earlier.filter(continued::contains).filter(runs::containsKey).isPresent()) {
            return earlier.get();
        }
        UUID id = earlier.filter(this::isOpen).orElseGet(UUID::randomUUID);
        begin(id, pass, mappings, progress);
        return id;
    }

    /// One that was decided or cancelled has a report that says so, although its progress is still
    /// there. One that waits or runs is not interrupted.
    private boolean isOpen(UUID id) {
        Optional<ReconciliationState> state = find(id);
        return state.isEmpty()
                || state.get() instanceof ReconciliationState.Finished(var report)
                        && report.reason() == null
                        && report.verdict() == Verdict.UNDECIDED;
    }

    /// Continues the reconciliation that was interrupted, if there is one and its reason may have
    /// passed.
    public synchronized void continueInterrupted(int generation, ReplicationProgress progress) {
        beginOnce(generation);
        Interrupted waiting = interrupted;
        if (waiting == null || clock.instant().isBefore(waiting.notBefore())) {
            return;
        }
        UUID id = waiting.pass().id();
        if (!isOpen(id)) {
            forget(id);
            return;
        }
        List<Mapping> mappings =
                stream.tables().compared().stream()
                        .filter(
                                mapping ->
                                        waiting.pass()
                                                .targets()
                                                .contains(StoredReports.name(mapping)))
                        .toList();
        continued.add(id);
        LOG.atInfo()
                .addKeyValue("migration", stream.name())
                .addKeyValue("reconciliation", id)
                .log("An interrupted reconciliation continues.");
        begin(
                id,
                new StoredPass.Subject(
                        generation, subject.specHash(), StoredReports.names(mappings)),
                mappings,
                progress);
    }

    /// Whether a reconciliation waits or runs.
    public boolean isBusy() {
        return !runs.isEmpty();
    }

    /// When the last reconciliation of all tables began; empty before the first one.
    ///
    /// @param method one of all rows is one of touched keys too
    public Optional<Instant> lastBegan(int generation, Method method) {
        beginOnce(generation);
        return reports.lastBegan(method);
    }

    /// Whether earlier reconciliations say which keys were touched. The keys of a table that
    /// several mappings fill belong to different mappings.
    private boolean haveBasis(List<Mapping> mappings) {
        return basis() instanceof TouchedBasis.Usable
                && StoredReports.names(mappings).size() == mappings.size();
    }

    private TouchedBasis basis() {
        return reports.basis(subject.specHash());
    }

    private void begin(
            UUID id,
            StoredPass.Subject pass,
            List<Mapping> mappings,
            ReplicationProgress progress) {
        // Its progress is replaced.
        interrupted = null;
        enqueue(
                id,
                Method.ALL_ROWS,
                self -> run(id, self, mappings, progress, new StoredPass(passes, id, pass)));
    }

    private void enqueue(UUID id, Method method, Consumer<ReconciliationRun> work) {
        ReconciliationRun run = new ReconciliationRun(chunker(), self -> alone(self, work));
        states.put(id, new ReconciliationState.Waiting(clock.instant()));
        methods.put(id, method);
        runs.put(id, run);
        executor.execute(run);
    }

    private void alone(ReconciliationRun run, Consumer<ReconciliationRun> work) {
        boolean isAlone = comparing.tryLock();
        while (!isAlone && !run.cancellation().pause(WAIT)) {
            isAlone = comparing.tryLock();
        }
        try {
            work.accept(run);
        } finally {
            if (isAlone) {
                comparing.unlock();
            }
        }
    }

    /// Held by what compares the rows of the migration.
    public Lock comparing() {
        return comparing;
    }

    public Optional<ReconciliationState> find(UUID id) {
        ReconciliationState state = states.get(id);
        if (state != null) {
            return Optional.of(state);
        }
        return reports.find(id);
    }

    /// The one that runs, then those that wait, in the order of the requests.
    public List<Unfinished> unfinished() {
        List<Unfinished> unfinished = new ArrayList<>();
        runs.forEach(
                (id, run) -> {
                    switch (states.get(id)) {
                        case ReconciliationState.Waiting(Instant askedAt) ->
                                unfinished.add(unfinished(id, "waiting", askedAt, run));
                        case ReconciliationState.Running(Instant startedAt) ->
                                unfinished.add(unfinished(id, "running", startedAt, run));
                        case ReconciliationState.Finished _, ReconciliationState.Failed _ -> {}
                        case null -> {}
                    }
                });
        unfinished.sort(Comparator.comparing(Unfinished::state).thenComparing(Unfinished::since));
        return List.copyOf(unfinished);
    }

    private Unfinished unfinished(UUID id, String state, Instant since, ReconciliationRun run) {
        return new Unfinished(
                id, state, methods.get(id) == Method.TOUCHED_KEYS, since, run.progress().reading());
    }

    /// The last finished ones of every generation, the newest first, also those that are not
    /// stored.
    public List<PastVerdict> history() {
        Map<UUID, PastVerdict> past = new HashMap<>();
        states.forEach(
                (id, state) -> {
                    if (state instanceof ReconciliationState.Finished(var report)) {
                        past.put(id, PastVerdict.of(id, report));
                    }
                });
        reports.recent().forEach(each -> past.put(each.id(), each));
        return past.values().stream()
                .sorted(Comparator.comparing(PastVerdict::finishedAt).reversed())
                .limit(PastVerdict.LISTED)
                .toList();
    }

    /// Cancels a reconciliation that waits or runs, and waits for its end for a limited time. A
    /// finished one stays as it is, and is not continued.
    public Optional<ReconciliationState> cancel(UUID id) throws InterruptedException {
        ReconciliationRun run = runs.get(id);
        if (run != null) {
            run.cancel();
        }
        // Last: the run may have ended undecided meanwhile.
        forget(id);
        return find(id);
    }

    private synchronized void forget(UUID id) {
        Interrupted waiting = interrupted;
        if (waiting != null && waiting.isOf(id)) {
            interrupted = null;
            StoredPass.end(passes, id);
        }
    }

    /// The last report of all tables, or a later one that found differences.
    public Optional<ReconciliationReport> lastReport() {
        return reports.lastReport();
    }

    public Optional<Last> last() {
        return reports.last();
    }

    /// When the last reconciliation began that found all tables equal, also of an earlier
    /// generation; empty before the first one.
    public Optional<Instant> lastEqualBegan() {
        return reports.lastEqualBegan();
    }

    public Chunker chunker() {
        return chunker("reconcile");
    }

    /// @param purpose of its sessions
    Chunker chunker(String purpose) {
        return stream.chunker(purpose, load.statementTimeout().orElse(Duration.ZERO));
    }

    private void run(
            UUID id,
            ReconciliationRun run,
            List<Mapping> mappings,
            ReplicationProgress progress,
            StoredPass pass) {
        started(id, run);
        try {
            ReconciliationReport report =
                    completed(
                            new Reconciler(subject, progress, sources(run), limits(), clock)
                                    .reconcile(mappings, pass, run.cancellation()),
                            () -> parity.schemaOf(mappings),
                            mappings,
                            progress,
                            run);
            finished(id, run, report, pass);
        } catch (RuntimeException | Error e) {
            failed(id, e);
        } finally {
            ended(id, run, pass, Optional.empty());
        }
    }

    private synchronized void started(UUID id, ReconciliationRun run) {
        if (!run.cancellation().isRequested()) {
            // Its progress replaces that of one that was interrupted after the request.
            interrupted = null;
        }
        states.put(id, new ReconciliationState.Running(clock.instant()));
    }

    /// A request of the same tables sees all of the end or nothing of it.
    private synchronized void finished(
            UUID id, ReconciliationRun run, ReconciliationReport report, StoredPass pass) {
        finished(id, pass.subject().generation(), report, Method.ALL_ROWS);
        boolean continues =
                report.verdict() == Verdict.UNDECIDED && !run.cancellation().isRequested();
        ended(id, run, pass, pass.continuation().filter(_ -> continues));
    }

    private void compare(
            UUID id,
            ReconciliationRun run,
            int generation,
            List<Mapping> mappings,
            ReplicationProgress progress) {
        states.put(id, new ReconciliationState.Running(clock.instant()));
        // At the same time: the rest takes about as long as reading catalogs. Nobody waits for it
        // if the comparison is cancelled.
        FutureTask<Optional<SchemaParity.Report>> schema =
                new FutureTask<>(() -> parity.schemaOf(mappings));
        Thread.ofVirtual().name("schema-parity").start(schema);
        try {
            ReconciliationReport report =
                    completed(
                            new TouchedReconciliation(
                                            subject, progress, sources(run), limits(), clock)
                                    .compare(
                                            tables(mappings),
                                            basis(),
                                            new TouchedReconciliation.Limit(
                                                    run.cancellation(),
                                                    clock.instant().plus(LONGEST))),
                            () -> Cancellation.result(schema),
                            mappings,
                            progress,
                            run);
            finished(id, generation, report, Method.TOUCHED_KEYS);
        } catch (RuntimeException | Error e) {
            failed(id, e);
        } finally {
            runs.remove(id, run);
            methods.remove(id);
        }
    }

    private ReconciliationReport completed(
            ReconciliationReport report,
            Supplier<Optional<SchemaParity.Report>> schema,
            List<Mapping> mappings,
            ReplicationProgress progress,
            ReconciliationRun run) {
        return parity.complete(
                report,
                schema,
                mappings,
                new StreamParity.Run(progress, run.chunker(), run.cancellation(), clock));
    }

    private List<TouchedReconciliation.Table> tables(List<Mapping> mappings) {
        Map<TableId, Relation> sources =
                stream.tables().sources().stream()
                        .collect(Collectors.toMap(Relation::id, Function.identity()));
        return mappings.stream()
                .map(
                        mapping ->
                                new TouchedReconciliation.Table(
                                        mapping,
                                        Objects.requireNonNull(sources.get(mapping.source()))))
                .toList();
    }

    private Reconciler.Sources sources(ReconciliationRun run) {
        return new Reconciler.Sources(
                run.chunker(), new ChangeLog(stream.kafka(), stream.topics()), run.progress());
    }

    private ReconcileLimits limits() {
        return ReconcileLimits.DEFAULT.within(
                new Budget(load.chunkTime(), load.share()), load.parallel());
    }

    private void finished(UUID id, int generation, ReconciliationReport report, Method method) {
        reports.finished(generation, report, method);
        states.put(id, new ReconciliationState.Finished(report));
        LOG.atInfo()
                .addKeyValue("migration", stream.name())
                .addKeyValue("verdict", report.verdict())
                .log("A reconciliation finished.");
        if (reports.save(id, generation, report)) {
            states.remove(id);
        }
    }

    /// Compares keys that another program may have written on the target, on the caller's thread. A
    /// report with differences is stored and counts as the last verdict.
    public ReconciliationReport check(
            int generation, Map<Mapping, List<RowKey>> keys, ReplicationProgress progress) {
        Map<TouchedReconciliation.Table, List<RowKey>> tables = new LinkedHashMap<>();
        keys.forEach((mapping, each) -> tables.put(tables(List.of(mapping)).getFirst(), each));
        ReconciliationReport report =
                new TouchedReconciliation(
                                subject,
                                progress,
                                new Reconciler.Sources(
                                        chunker(WRITERS),
                                        new ChangeLog(stream.kafka(), stream.topics())),
                                limits(),
                                clock)
                        .check(
                                tables,
                                "rows that another program wrote on the target",
                                new TouchedReconciliation.Limit(
                                        new Cancellation(), clock.instant().plus(LONGEST_CHECK)));
        if (report.hasDifferences()) {
            LOG.atError()
                    .addKeyValue("migration", stream.name())
                    .addKeyValue(
                            "tables",
                            report.tables().stream()
                                    .filter(table -> table.verdict() == Verdict.DIFFERENT)
                                    .map(ReconciliationReport.TableReport::target)
                                    .toList())
                    .log("Another program wrote rows on the target that differ from the source.");
            reports.foundDifferences(generation, report);
            reports.save(UUID.randomUUID(), generation, report);
        }
        return report;
    }

    private void failed(UUID id, Throwable failure) {
        String reason = Incident.reason(LOG, "A reconciliation failed.", failure);
        LOG.atWarn()
                .addKeyValue("migration", stream.name())
                .addKeyValue("reason", reason)
                .log("A reconciliation failed.");
        states.put(id, new ReconciliationState.Failed(reason));
    }

    /// What the end of the service interrupts continues after the next start.
    private synchronized void ended(
            UUID id,
            ReconciliationRun run,
            StoredPass pass,
            Optional<StoredPass.Interrupted> continuation) {
        if (!runs.remove(id, run)) {
            // It has ended already.
            return;
        }
        methods.remove(id);
        if (continuation.isPresent()) {
            interrupted = new Interrupted(continuation.get(), clock.instant().plus(pause));
            Duration twice = pause.multipliedBy(2);
            pause = twice.compareTo(LONGEST_PAUSE) < 0 ? twice : LONGEST_PAUSE;
        } else if (!closed) {
            pause = FIRST_PAUSE;
            pass.end();
        }
    }

    private List<Mapping> mappings(List<String> targets) {
        targets.forEach(tables::requireTarget);
        return stream.tables().compared().stream()
                .filter(
                        mapping ->
                                targets.isEmpty()
                                        || targets.contains(named.apply(mapping).toString()))
                .toList();
    }

    @Override
    public void close() {
        closed = true;
        reports.close();
        executor.shutdownNow();
        runs.values().forEach(ReconciliationRun::requestCancel);
    }
}
