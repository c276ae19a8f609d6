package dev.millrace.migration;

import dev.millrace.change.TableId;
import dev.millrace.control.ReconciliationStore;
import dev.millrace.digest.Chunker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.lifecycle.Incident;
import dev.millrace.lifecycle.Reason;
import dev.millrace.mapping.Mapping;
import dev.millrace.migration.MigrationControl.ReconciliationState;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.Reconciler;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.ReportJson;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The comparisons that were asked for: one at a time, in the order asked. Finished ones are in the
/// control schema; what was under way when the service ended is gone and has to be asked for again.
/// Thread-safe.
final class Reconciliations implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Reconciliations.class);

    private final MigrationSetup setup;
    private final ReconciliationStore store;
    private final Map<UUID, ReconciliationState> states = new ConcurrentHashMap<>();
    private final Map<UUID, ReconciliationRun> runs = new ConcurrentHashMap<>();
    private final ExecutorService one =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon(true).name("reconcile").factory());
    private volatile Known known = new Known(0, null, null);
    private volatile boolean closed;

    /// What the comparisons of a generation say.
    ///
    /// @param last that speaks for the migration
    /// @param all the last one of all tables
    private record Known(
            int generation,
            @Nullable ReconciliationReport last,
            @Nullable ReconciliationReport all) {

        Known with(ReconciliationReport report, boolean ofAll) {
            return ofAll
                    ? new Known(generation, report, report)
                    : report.hasDifferences() ? new Known(generation, report, all) : this;
        }
    }

    Reconciliations(MigrationSetup setup) {
        this.setup = setup;
        this.store = new ReconciliationStore(setup.target(), setup.migration());
    }

    /// What was compared in an earlier generation is no more. A verdict that can't be read is not
    /// known.
    void begin(int generation) {
        known = new Known(generation, null, null);
        known =
                new Known(
                        generation,
                        stored(() -> store.latest(generation, targets())),
                        stored(() -> store.latestOfAll(generation, targets())));
    }

    private interface Query {
        Optional<ReconciliationStore.Stored> run() throws SQLException;
    }

    private @Nullable ReconciliationReport stored(Query query) {
        try {
            return query.run().flatMap(this::parse).orElse(null);
        } catch (SQLException e) {
            LOG.atWarn()
                    .addKeyValue("migration", setup.migration())
                    .addKeyValue("reason", Reason.of(e))
                    .log("The last verdict could not be read and is not known. Reconcile again.");
            return null;
        }
    }

    UUID ask(List<String> targets, ReplicationProgress road) {
        List<Mapping> mappings = mappings(targets);
        UUID id = UUID.randomUUID();
        int generation = known.generation();
        ReconciliationRun run =
                new ReconciliationRun(
                        chunker(), itself -> run(id, itself, generation, mappings, road));
        runs.put(id, run);
        states.put(id, new ReconciliationState.Waiting(setup.clock().instant()));
        one.execute(run);
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
            throw new DatabaseFailure("The report cannot be read", e);
        }
    }

    private ReconciliationState finished(ReconciliationStore.Stored stored) {
        return parse(stored)
                .<ReconciliationState>map(ReconciliationState.Finished::new)
                .orElseGet(
                        () ->
                                new ReconciliationState.Failed(
                                        "its report was stored by another version and can't be read"));
    }

    /// Ends a comparison that waits or runs, and waits a moment for its end. One that is finished
    /// stays as it is.
    Optional<ReconciliationState> cancel(UUID id) throws InterruptedException {
        ReconciliationRun run = runs.get(id);
        if (run != null) {
            run.cancel();
        }
        return find(id);
    }

    Optional<StatusReport.LastReconciliation> last() {
        Known now = known;
        return Optional.ofNullable(now.last())
                .map(
                        report ->
                                new StatusReport.LastReconciliation(
                                        word(report.verdict()),
                                        report.finishedAt(),
                                        now.all() == null ? null : now.all().finishedAt()));
    }

    /// One that was cancelled says nothing of all.
    private boolean isOfAll(ReconciliationReport report) {
        return report.reason() == null
                && report.tables().stream()
                        .map(ReconciliationReport.TableReport::target)
                        .collect(Collectors.toSet())
                        .containsAll(targets());
    }

    private static String word(Verdict verdict) {
        return ReportJson.word(verdict);
    }

    private List<String> targets() {
        return setup.targets().stream().map(TableId::toString).toList();
    }

    private Chunker chunker() {
        return new Chunker(
                setup.migration(),
                setup.topics().target(),
                () -> setup.source().connectForLongStatements("reconcile"),
                () -> setup.target().connectForLongStatements("reconcile"));
    }

    private void run(
            UUID id,
            ReconciliationRun run,
            int generation,
            List<Mapping> mappings,
            ReplicationProgress road) {
        states.put(id, new ReconciliationState.Running(setup.clock().instant()));
        try {
            ReconciliationReport report =
                    new Reconciler(
                                    new Reconciler.Subject(setup.migration(), setup.specHash()),
                                    road,
                                    new Reconciler.Sources(
                                            run.chunker(),
                                            new ChangeLog(setup.kafka(), setup.topics())),
                                    ReconcileLimits.DEFAULT,
                                    setup.clock())
                            .reconcile(mappings, run.cancellation());
            Known before = known;
            if (before.generation() == generation && !closed) {
                known = before.with(report, isOfAll(report));
            }
            states.put(id, new ReconciliationState.Finished(report));
            LOG.atInfo()
                    .addKeyValue("migration", setup.migration())
                    .addKeyValue("verdict", report.verdict())
                    .log("reconciled");
            keep(id, generation, report);
        } catch (RuntimeException | Error e) {
            String reason = Incident.reason(LOG, "a reconciliation failed", e);
            LOG.atWarn()
                    .addKeyValue("migration", setup.migration())
                    .addKeyValue("reason", reason)
                    .log("a reconciliation failed");
            states.put(id, new ReconciliationState.Failed(reason));
        } finally {
            runs.remove(id);
        }
    }

    /// A report that can't be kept holds good as long as this process lives.
    private void keep(UUID id, int generation, ReconciliationReport report) {
        if (closed) {
            return;
        }
        try {
            store.save(
                    new ReconciliationStore.Stored(
                            id,
                            generation,
                            word(report.verdict()),
                            report.startedAt(),
                            report.finishedAt(),
                            ReportJson.write(report)));
            states.remove(id);
        } catch (SQLException e) {
            LOG.atWarn()
                    .addKeyValue("migration", setup.migration())
                    .addKeyValue("sqlstate", e.getSQLState())
                    .log("a report could not be written to the target and ends with this process");
        }
    }

    private List<Mapping> mappings(List<String> targets) {
        targets.forEach(setup.tables()::requireTarget);
        return setup.mappings().stream()
                .filter(
                        mapping ->
                                targets.isEmpty()
                                        || targets.contains(mapping.target().table().toString()))
                .toList();
    }

    private Optional<ReconciliationReport> parse(ReconciliationStore.Stored stored) {
        Optional<ReconciliationReport> report = ReportJson.read(stored.json());
        if (report.isEmpty()) {
            LOG.atWarn()
                    .addKeyValue("migration", setup.migration())
                    .addKeyValue("reconciliation", stored.id())
                    .log("A stored report can't be read by this version and is left out.");
        }
        return report;
    }

    @Override
    public void close() {
        closed = true;
        one.shutdownNow();
        runs.values().forEach(ReconciliationRun::request);
    }
}
