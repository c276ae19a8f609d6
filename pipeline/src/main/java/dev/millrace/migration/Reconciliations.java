package dev.millrace.migration;

import dev.millrace.change.TableId;
import dev.millrace.chunk.Chunker;
import dev.millrace.chunk.ReconciliationStore;
import dev.millrace.fault.Incident;
import dev.millrace.log.ChangeLog;
import dev.millrace.reconcile.ReconcileLimits;
import dev.millrace.reconcile.Reconciler;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.Road;
import dev.millrace.select.Mapping;
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
import tools.jackson.databind.json.JsonMapper;

/// The comparisons that were asked for: one at a time, in the order asked. Finished ones are in the
/// control schema; what was under way when the service ended is gone and has to be asked for again.
/// Any thread.
final class Reconciliations implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Reconciliations.class);

    private final MigrationSetup setup;
    private final ReconciliationStore store;
    private final JsonMapper json = JsonMapper.builder().build();
    private final Map<UUID, ReconciliationState> states = new ConcurrentHashMap<>();
    private final ExecutorService one =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon(true).name("reconcile").factory());
    private volatile Known known = new Known(0, null, null);

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
                    : report.verdict() == Verdict.DIFFERENT
                            ? new Known(generation, report, all)
                            : this;
        }
    }

    Reconciliations(MigrationSetup setup) {
        this.setup = setup;
        this.store =
                new ReconciliationStore(
                        setup.migration(), () -> setup.target().connect("reconcile"));
    }

    /// What was compared in an earlier generation is no more.
    void begin(int generation) {
        known =
                new Known(
                        generation,
                        store.latest(generation, targets()).map(this::parse).orElse(null),
                        store.latestOfAll(generation, targets()).map(this::parse).orElse(null));
    }

    UUID ask(List<String> targets, Road road) {
        List<Mapping> mappings = mappings(targets);
        UUID id = UUID.randomUUID();
        states.put(id, new ReconciliationState.Waiting(setup.clock().instant()));
        one.execute(() -> run(id, mappings, road));
        return id;
    }

    Optional<ReconciliationState> find(UUID id) {
        ReconciliationState state = states.get(id);
        return state != null
                ? Optional.of(state)
                : store.find(id).map(this::parse).map(ReconciliationState.Finished::new);
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

    private boolean isOfAll(ReconciliationReport report) {
        return report.tables().stream()
                .map(ReconciliationReport.TableReport::target)
                .collect(Collectors.toSet())
                .containsAll(targets());
    }

    private String word(Verdict verdict) {
        return json.valueToTree(verdict).stringValue();
    }

    private List<String> targets() {
        return setup.targets().stream().map(TableId::toString).toList();
    }

    private void run(UUID id, List<Mapping> mappings, Road road) {
        states.put(id, new ReconciliationState.Running(setup.clock().instant()));
        int generation = known.generation();
        try {
            Chunker chunker =
                    new Chunker(
                            setup.migration(),
                            setup.topics().target(),
                            () -> setup.source().connectForLongStatements("reconcile"),
                            () -> setup.target().connectForLongStatements("reconcile"));
            ReconciliationReport report =
                    new Reconciler(
                                    new Reconciler.Subject(setup.migration(), setup.specHash()),
                                    road,
                                    new Reconciler.Sources(
                                            chunker, new ChangeLog(setup.kafka(), setup.topics())),
                                    ReconcileLimits.DEFAULT,
                                    setup.clock())
                            .reconcile(mappings);
            Known before = known;
            if (before.generation() == generation) {
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
        }
    }

    /// A report that can't be kept holds good as long as this process lives.
    private void keep(UUID id, int generation, ReconciliationReport report) {
        try {
            store.save(
                    new ReconciliationStore.Stored(
                            id,
                            generation,
                            word(report.verdict()),
                            report.startedAt(),
                            report.finishedAt(),
                            json.writeValueAsString(report)));
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

    private ReconciliationReport parse(ReconciliationStore.Stored stored) {
        return json.readValue(stored.json(), ReconciliationReport.class);
    }

    @Override
    public void close() {
        one.shutdownNow();
    }
}
