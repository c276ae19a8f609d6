package dev.millrace.migration;

import dev.millrace.change.TableId;
import dev.millrace.chunk.Chunker;
import dev.millrace.chunk.ReconciliationStore;
import dev.millrace.log.ChangeLog;
import dev.millrace.reconcile.ReconcileLimits;
import dev.millrace.reconcile.Reconciler;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.Road;
import dev.millrace.select.Mapping;
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
    private volatile @Nullable ReconciliationReport last;

    Reconciliations(MigrationSetup setup) {
        this.setup = setup;
        this.store =
                new ReconciliationStore(
                        setup.migration(), () -> setup.target().connect("reconcile"));
        this.last = store.latest(targets()).map(stored -> parse(stored.json())).orElse(null);
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
                : store.find(id)
                        .map(stored -> new ReconciliationState.Finished(parse(stored.json())));
    }

    Optional<ReconciliationReport> last() {
        return Optional.ofNullable(last);
    }

    /// What was compared before is no more.
    void forget() {
        last = null;
    }

    /// That some tables are equal says nothing of the migration; that one is different does.
    private boolean speaksForAll(ReconciliationReport report) {
        return report.verdict() == Verdict.DIFFERENT
                || report.tables().stream()
                        .map(ReconciliationReport.TableReport::target)
                        .collect(Collectors.toSet())
                        .containsAll(targets());
    }

    private List<String> targets() {
        return setup.targets().stream().map(TableId::toString).toList();
    }

    private void run(UUID id, List<Mapping> mappings, Road road) {
        states.put(id, new ReconciliationState.Running(setup.clock().instant()));
        try {
            Chunker chunker =
                    new Chunker(
                            setup.migration(),
                            setup.topics().target(),
                            () -> setup.source().connect("reconcile"),
                            () -> setup.target().connect("reconcile"));
            ReconciliationReport report =
                    new Reconciler(
                                    new Reconciler.Subject(setup.migration(), setup.specHash()),
                                    road,
                                    new Reconciler.Sources(
                                            chunker, new ChangeLog(setup.kafka(), setup.topics())),
                                    ReconcileLimits.DEFAULT,
                                    setup.clock())
                            .reconcile(mappings);
            store.save(
                    new ReconciliationStore.Stored(
                            id,
                            json.valueToTree(report.verdict()).stringValue(),
                            report.startedAt(),
                            report.finishedAt(),
                            json.writeValueAsString(report)));
            if (speaksForAll(report)) {
                last = report;
            }
            states.put(id, new ReconciliationState.Finished(report));
            LOG.atInfo()
                    .addKeyValue("migration", setup.migration())
                    .addKeyValue("verdict", report.verdict())
                    .log("reconciled");
        } catch (RuntimeException | Error e) {
            LOG.atWarn()
                    .addKeyValue("migration", setup.migration())
                    .addKeyValue("reason", String.valueOf(e.getMessage()))
                    .log("a reconciliation failed");
            states.put(id, new ReconciliationState.Failed(String.valueOf(e.getMessage())));
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

    private ReconciliationReport parse(String text) {
        return json.readValue(text, ReconciliationReport.class);
    }

    @Override
    public void close() {
        one.shutdownNow();
    }
}
