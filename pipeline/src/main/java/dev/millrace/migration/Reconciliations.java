package dev.millrace.migration;

import dev.millrace.change.TableId;
import dev.millrace.control.ReconciliationStore;
import dev.millrace.control.pass.PassStore;
import dev.millrace.digest.Chunker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.lifecycle.Incident;
import dev.millrace.lifecycle.Reason;
import dev.millrace.mapping.Mapping;
import dev.millrace.migration.MigrationControl.ReconciliationState;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.SqlState;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.ReportJson;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.pass.StoredPass;
import dev.millrace.stream.KnownTables;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs the requested reconciliations of one stream, one at a time, in the order of the requests.
/// Finished reports are in the control schema. A reconciliation that was waiting or running when
/// the service ended has to be requested again. One that was running then continues with the same
/// id, at the chunks that were not equal yet; one that was waiting gets a new id. Thread-safe.
final class Reconciliations implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Reconciliations.class);

    private final ReplicationStream stream;
    private final Function<Mapping, TableId> named;
    private final String specHash;
    private final InstantSource clock;
    private final KnownTables tables;
    private final ReconciliationStore store;
    private final PassStore passes;
    private final Map<UUID, ReconciliationState> states = new ConcurrentHashMap<>();
    private final Map<UUID, ReconciliationRun> runs = new ConcurrentHashMap<>();
    private final ExecutorService executor =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon(true).name("reconcile").factory());
    private volatile Known known = new Known(0, null, null);
    private volatile boolean closed;

    /// The reports of a generation that the status shows.
    ///
    /// @param last the last report of all tables, or a later one that found differences
    /// @param all the last report of all tables
    private record Known(
            int generation,
            @Nullable ReconciliationReport last,
            @Nullable ReconciliationReport all) {

        Known with(ReconciliationReport report, boolean isOfAll) {
            return isOfAll
                    ? new Known(generation, report, report)
                    : report.hasDifferences() ? new Known(generation, report, all) : this;
        }
    }

    /// @param named the table of the migration's target that a mapping reads or writes
    Reconciliations(
            ReplicationStream stream,
            Function<Mapping, TableId> named,
            String specHash,
            InstantSource clock,
            KnownTables tables) {
        this.named = named;
        this.stream = stream;
        this.specHash = specHash;
        this.clock = clock;
        this.tables = tables;
        this.store = new ReconciliationStore(stream.control(), stream.id());
        this.passes = new PassStore(stream.control(), stream.id());
    }

    /// Reads the stored reports of a generation. Reports of an earlier generation no longer count.
    /// A report that cannot be read is not known.
    synchronized void begin(int generation) {
        known = new Known(generation, null, null);
        known =
                new Known(
                        generation,
                        stored(() -> store.latest(generation, targets())),
                        stored(() -> store.latestOfAll(generation, targets())));
    }

    private synchronized void beginOnce(int generation) {
        if (known.generation() != generation) {
            begin(generation);
        }
    }

    private interface Query {
        Optional<ReconciliationStore.Stored> run() throws SQLException;
    }

    private @Nullable ReconciliationReport stored(Query query) {
        try {
            return query.run().flatMap(this::parse).orElse(null);
        } catch (SQLException e) {
            LOG.atWarn()
                    .addKeyValue("migration", stream.name())
                    .addKeyValue("reason", Reason.of(e))
                    .log("The last verdict could not be read. Run 'millrace reconcile' again.");
            return null;
        }
    }

    /// @param generation of the stream
    /// @param targets tables of the migration's target; all if empty
    synchronized UUID request(int generation, List<String> targets, ReplicationProgress progress) {
        List<Mapping> mappings = mappings(targets);
        beginOnce(generation);
        StoredPass.Subject subject = new StoredPass.Subject(generation, specHash, names(mappings));
        UUID id =
                StoredPass.interrupted(passes, subject, clock.instant())
                        // One that finished has a report, although its progress is still there.
                        .filter(interrupted -> find(interrupted).isEmpty())
                        .orElseGet(UUID::randomUUID);
        ReconciliationRun run =
                new ReconciliationRun(
                        chunker(),
                        self ->
                                run(
                                        id,
                                        self,
                                        generation,
                                        mappings,
                                        progress,
                                        new StoredPass(passes, id, subject)));
        runs.put(id, run);
        states.put(id, new ReconciliationState.Waiting(clock.instant()));
        executor.execute(run);
        return id;
    }

    Optional<ReconciliationState> find(UUID id) {
        ReconciliationState state = states.get(id);
        if (state != null) {
            return Optional.of(state);
        }
        try {
            return store.find(id).map(this::finished);
        } catch (SQLException e) {
            if (known.generation() == 0 && SqlState.UNDEFINED_TABLE.matches(e)) {
                // The stream was never armed, so its database has no control schema.
                return Optional.empty();
            }
            throw new DatabaseFailure("The report cannot be read", e);
        }
    }

    private ReconciliationState finished(ReconciliationStore.Stored stored) {
        return parse(stored)
                .<ReconciliationState>map(ReconciliationState.Finished::new)
                .orElseGet(
                        () ->
                                new ReconciliationState.Failed(
                                        "This version of Millrace cannot read the stored report. Run the reconciliation again."));
    }

    /// Cancels a reconciliation that waits or runs, and waits for its end for a limited time. A
    /// finished one stays as it is.
    Optional<ReconciliationState> cancel(UUID id) throws InterruptedException {
        ReconciliationRun run = runs.get(id);
        if (run != null) {
            run.cancel();
        }
        return find(id);
    }

    /// The last report of all tables, or a later one that found differences.
    Optional<ReconciliationReport> lastReport() {
        return Optional.ofNullable(known.last());
    }

    Optional<StatusReport.LastReconciliation> last() {
        Known now = known;
        return Optional.ofNullable(now.last())
                .map(
                        report ->
                                new StatusReport.LastReconciliation(
                                        report.verdict().word(),
                                        report.finishedAt(),
                                        now.all() == null ? null : now.all().finishedAt()));
    }

    /// Whether a report covers all tables. A cancelled reconciliation does not.
    private boolean isOfAll(ReconciliationReport report) {
        return report.reason() == null
                && report.tables().stream()
                        .map(ReconciliationReport.TableReport::target)
                        .collect(Collectors.toSet())
                        .containsAll(targets());
    }

    private List<String> targets() {
        return names(stream.tables().compared());
    }

    private static List<String> names(List<Mapping> mappings) {
        return mappings.stream()
                .map(mapping -> mapping.target().table().toString())
                .distinct()
                .toList();
    }

    Chunker chunker() {
        return new Chunker(
                stream.id(),
                stream.topics().target(),
                () -> stream.source().database().connectForLongStatements("reconcile"),
                () -> stream.target().database().connectForLongStatements("reconcile"));
    }

    private void run(
            UUID id,
            ReconciliationRun run,
            int generation,
            List<Mapping> mappings,
            ReplicationProgress progress,
            StoredPass pass) {
        states.put(id, new ReconciliationState.Running(clock.instant()));
        try {
            ReconciliationReport report =
                    new Reconciler(
                                    new Reconciler.Subject(stream.name(), specHash),
                                    progress,
                                    new Reconciler.Sources(
                                            run.chunker(),
                                            new ChangeLog(stream.kafka(), stream.topics())),
                                    ReconcileLimits.DEFAULT,
                                    clock)
                            .reconcile(mappings, pass, run.cancellation());
            Known before = known;
            if (before.generation() == generation && !closed) {
                known = before.with(report, isOfAll(report));
            }
            states.put(id, new ReconciliationState.Finished(report));
            LOG.atInfo()
                    .addKeyValue("migration", stream.name())
                    .addKeyValue("verdict", report.verdict())
                    .log("A reconciliation finished.");
            store(id, generation, report);
        } catch (RuntimeException | Error e) {
            String reason = Incident.reason(LOG, "A reconciliation failed.", e);
            LOG.atWarn()
                    .addKeyValue("migration", stream.name())
                    .addKeyValue("reason", reason)
                    .log("A reconciliation failed.");
            states.put(id, new ReconciliationState.Failed(reason));
        } finally {
            // What the end of the service interrupts is continued by the next request.
            if (!closed) {
                pass.end();
            }
            runs.remove(id);
        }
    }

    /// A report that cannot be stored is available until this process ends.
    private void store(UUID id, int generation, ReconciliationReport report) {
        if (closed) {
            return;
        }
        try {
            store.save(
                    new ReconciliationStore.Stored(
                            id,
                            generation,
                            report.verdict().word(),
                            report.startedAt(),
                            report.finishedAt(),
                            ReportJson.write(report)));
            states.remove(id);
        } catch (SQLException e) {
            LOG.atWarn()
                    .addKeyValue("migration", stream.name())
                    .addKeyValue("sqlstate", e.getSQLState())
                    .log(
                            "A report could not be written to the target. It is available until this process ends.");
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

    private Optional<ReconciliationReport> parse(ReconciliationStore.Stored stored) {
        Optional<ReconciliationReport> report = ReportJson.read(stored.json());
        if (report.isEmpty()) {
            LOG.atWarn()
                    .addKeyValue("migration", stream.name())
                    .addKeyValue("reconciliation", stored.id())
                    .log(
                            "This version of Millrace cannot read a stored report. The report is ignored.");
        }
        return report;
    }

    @Override
    public void close() {
        closed = true;
        executor.shutdownNow();
        runs.values().forEach(ReconciliationRun::requestCancel);
    }
}
