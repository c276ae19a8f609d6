package dev.millrace.ending;

import dev.millrace.change.TableId;
import dev.millrace.control.JournalStore;
import dev.millrace.flow.FlowChange;
import dev.millrace.journal.JournalPage;
import dev.millrace.lifecycle.Reason;
import dev.millrace.mapping.Mapping;
import dev.millrace.migration.Migration;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.Phase.Traffic;
import dev.millrace.migration.StatusReport;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.rejected.RejectedKeys;
import dev.millrace.repair.RepairControl;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import dev.millrace.verdict.Reconciliations.Unfinished;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A migration from its start to its end. It runs until an operator ends it; then it is removed,
/// and its archive is served. A process that finds the archive continues the removal, or serves the
/// archive and creates nothing. Thread-safe.
public final class MigrationLife implements MigrationControl, MigrationEnd, AutoCloseable {

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(30);

    private final Premises premises;
    private final Settings settings;
    private final @Nullable Migration migration;
    private final JsonNode plan;
    private final OldSide oldSide;
    private final ExecutorService executor;
    private volatile @Nullable EndingRun end;
    private boolean stopped;

    /// @param who wrote the journal if a request names nobody
    /// @param trace observes the steps of the end
    public record Settings(String who, InstantSource clock, EndingStep.Trace trace) {}

    /// What the archive says about the migration's file.
    ///
    /// @param specHash identifies the file
    /// @param findings of preflight when this process started
    public record Plan(String specHash, List<PlannedTable> tables, List<Finding> findings) {

        public Plan {
            tables = List.copyOf(tables);
            findings = List.copyOf(findings);
        }

        /// @param select without values of the environment
        public record PlannedTable(TableId target, TableId source, String select) {}

        public static Plan of(String specHash, List<Mapping> mappings, List<Finding> findings) {
            return new Plan(
                    specHash,
                    mappings.stream()
                            .map(
                                    mapping ->
                                            new PlannedTable(
                                                    mapping.target().table(),
                                                    mapping.source(),
                                                    mapping.shown().strip()))
                            .toList(),
                    findings);
        }
    }

    private MigrationLife(
            Premises premises,
            Settings settings,
            @Nullable Migration migration,
            JsonNode plan,
            Set<TableId> sources) {
        this.premises = premises;
        this.settings = settings;
        this.migration = migration;
        this.plan = plan;
        this.oldSide = new OldSide(premises.source(), sources, premises.comparing());
        this.executor =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().name("ending-" + premises.migration()).factory());
    }

    /// A migration that runs.
    ///
    /// @param plan for the archive
    public static MigrationLife of(
            Migration migration, Plan plan, Premises premises, Settings settings) {
        return new MigrationLife(
                premises,
                settings,
                migration,
                Archive.JSON.valueToTree(plan),
                plan.tables().stream()
                        .map(Plan.PlannedTable::source)
                        .collect(Collectors.toCollection(TreeSet::new)));
    }

    /// The migration that has an archive; empty if it has none. Continues to remove it if that is
    /// not done.
    ///
    /// @throws RefusedException if the archive cannot be read
    public static Optional<MigrationLife> ended(Premises premises, Settings settings) {
        Optional<Archive> archive;
        try {
            archive = Archive.read(premises.archive());
        } catch (IOException e) {
            throw new RefusedException(
                    "The archive %s of a migration that has ended cannot be read: %s. Restore the file. If the migration has not ended, move the file away"
                            .formatted(premises.archive(), Reason.of(e).orElse("I/O error")));
        }
        return archive.map(
                read -> {
                    MigrationLife life =
                            new MigrationLife(premises, settings, null, read.plan(), Set.of());
                    life.begin(read);
                    return life;
                });
    }

    private void begin(Archive archive) {
        Cleanup cleanup = new Cleanup(premises, this::stop, settings.clock());
        EndingRun run =
                new EndingRun(
                        premises.archive(), archive, cleanup, settings.clock(), settings.trace());
        end = run;
        if (!archive.hasEnded()) {
            executor.execute(() -> remove(run));
        }
    }

    private static void remove(EndingRun run) {
        try {
            run.run();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void stop() {
        if (migration != null && !stopped) {
            stopped = true;
            migration.close();
        }
    }

    private MigrationControl now() {
        EndingRun run = end;
        return run != null ? new EndedMigration(run) : running();
    }

    private Migration running() {
        if (migration == null) {
            throw new IllegalStateException("The migration neither runs nor has an archive.");
        }
        return migration;
    }

    @Override
    public synchronized Ending end(EndRequest request) {
        EndingRun run = end;
        if (run != null) {
            if (request.requestKey().isPresent()
                    && request.requestKey().get().equals(run.archive().requestKey())) {
                return run.view();
            }
            throw new EndedMigration(run).refused();
        }
        Migration ended = running();
        if (request.dryRun()) {
            return dryRun(request, ended);
        }
        boolean begun = false;
        Traffic traffic = ended.holdTraffic();
        try {
            OldTables.Plan renames = renames(request);
            List<Gate> gates = gates(request, ended, traffic, renames);
            requireOpen(gates, request);
            Archive archive = archive(request, ended, gates, renames.renames());
            begin(archive);
            begun = true;
        } finally {
            if (!begun) {
                ended.releaseTraffic();
            }
        }
        return now(request);
    }

    private Ending now(EndRequest request) {
        EndingRun run = end;
        if (run == null) {
            throw new IllegalStateException("No end has begun: " + request.kind());
        }
        return run.view();
    }

    private OldTables.Plan renames(EndRequest request) {
        return request.renameOld()
                .map(suffix -> new OldTables(premises.source()).plan(oldSide.tables(), suffix))
                .orElse(OldTables.Plan.NONE);
    }

    /// @throws RefusedException if the phase does not permit it
    private List<Gate> gates(
            EndRequest request, Migration migration, Traffic traffic, OldTables.Plan renames) {
        String phase = migration.status().phase();
        RefusedException.ifWrongPhase(phase, request.expectedPhase());
        return switch (request.kind()) {
            case ABORT -> {
                if (traffic != Traffic.ON_SOURCE) {
                    throw new RefusedException(
                            "The migration is in the phase %s: the application writes to the target, or may do so soon. Run rollback or complete"
                                    .formatted(phase));
                }
                yield List.of();
            }
            case COMPLETE -> {
                if (traffic != Traffic.ON_TARGET) {
                    throw new RefusedException(
                            "The migration is in the phase %s. It can be completed only in REVERSIBLE, after a switchover. To end it without one, run abort"
                                    .formatted(phase));
                }
                List<Gate> gates =
                        new ArrayList<>(
                                oldSide.gates(migration.wayBack(), migration.capturesSource()));
                if (request.renameOld().isPresent()) {
                    gates.add(renames.gate());
                }
                yield gates;
            }
        };
    }

    /// @throws RefusedException if a gate is closed and not forced
    private static void requireOpen(List<Gate> gates, EndRequest request) {
        Gate.refusal(gates, request.forced(), request.kind().id())
                .ifPresent(
                        reason -> {
                            throw new RefusedException(
                                    "The migration cannot be ended. %s To pass a gate, add --force with its name and --reason"
                                            .formatted(reason));
                        });
    }

    private Ending dryRun(EndRequest request, Migration ended) {
        OldTables.Plan renames = renames(request);
        List<Gate> gates = gates(request, ended, ended.traffic(), renames);
        List<Operation.Step> steps = new ArrayList<>();
        try (Cleanup cleanup = new Cleanup(premises, () -> {}, settings.clock())) {
            for (EndingStep step : EndingStep.of(!renames.renames().isEmpty())) {
                steps.add(
                        new Operation.Step(
                                step.id(),
                                "planned",
                                null,
                                null,
                                cleanup.preview(step, renames.renames())));
            }
        } catch (SQLException e) {
            throw new DatabaseFailure("What would be removed cannot be read", e);
        }
        return new Ending(null, request.kind(), State.DRY_RUN, steps, gates, null, null);
    }

    /// Writes the archive. From then on the migration only ends.
    private Archive archive(
            EndRequest request, Migration ended, List<Gate> gates, List<OldTables.Rename> renames) {
        StatusReport status = ended.status();
        String who = request.who().orElse(settings.who());
        try {
            new JournalStore(premises.target(), premises.migration(), request.who().orElse(who))
                    .event(
                            status.phase(),
                            request.kind().id(),
                            "everything that Millrace created is removed",
                            request.reason());
            ObjectNode evidence = Archive.JSON.createObjectNode();
            for (Premises.Place place : premises.places()) {
                evidence.set(place.name(), Archive.JSON.readTree(place.rows().evidence()));
            }
            Archive archive =
                    new Archive(
                            1,
                            premises.migration(),
                            request.kind(),
                            null,
                            status.phase(),
                            UUID.randomUUID(),
                            who,
                            request.reason(),
                            request.requestKey().orElse(null),
                            settings.clock().instant(),
                            ended.epoch(),
                            renames,
                            List.of(),
                            gates,
                            status,
                            plan,
                            evidence);
            archive.write(premises.archive());
            return archive;
        } catch (SQLException e) {
            throw new DatabaseFailure("What the archive has to contain cannot be read", e);
        } catch (IOException e) {
            Archive.discard(premises.archive());
            throw new RefusedException(
                    "The archive %s cannot be written: %s. Nothing was changed"
                            .formatted(premises.archive(), Reason.of(e).orElse("I/O error")));
        }
    }

    @Override
    public Optional<Ending> ending(UUID id) {
        return Optional.ofNullable(end)
                .filter(run -> run.archive().id().equals(id))
                .map(EndingRun::view);
    }

    @Override
    public StatusReport status() {
        return now().status();
    }

    @Override
    public JournalPage journal(long after, int limit) {
        return now().journal(after, limit);
    }

    @Override
    public boolean ready() {
        return now().ready();
    }

    @Override
    public FlowChange.Outcome change(FlowChange change) {
        return now().change(change);
    }

    @Override
    public Rebackfill rebackfill(Rebackfill.Request request) {
        return now().rebackfill(request);
    }

    @Override
    public Optional<Rebackfill> rebackfill(UUID id) {
        return now().rebackfill(id);
    }

    @Override
    public RepairControl repairs() {
        return now().repairs();
    }

    @Override
    public RejectedKeys rejected() {
        return now().rejected();
    }

    @Override
    public UUID reconcile(List<String> targets, Method method, Asker by) {
        return now().reconcile(targets, method, by);
    }

    @Override
    public Optional<ReconciliationState> reconciliation(UUID id) {
        return now().reconciliation(id);
    }

    @Override
    public List<Unfinished> unfinishedReconciliations() {
        return now().unfinishedReconciliations();
    }

    @Override
    public List<PastVerdict> reconciliations() {
        return now().reconciliations();
    }

    @Override
    public Optional<ReconciliationState> cancelReconciliation(UUID id, Asker by)
            throws InterruptedException {
        return now().cancelReconciliation(id, by);
    }

    @Override
    public Operation move(SwitchoverRequest request) {
        return now().move(request);
    }

    @Override
    public Operation resolve(Resolution resolution) {
        return now().resolve(resolution);
    }

    @Override
    public Optional<Operation> operation(UUID id) {
        return now().operation(id);
    }

    @Override
    public void log(
            String topic,
            Optional<String> table,
            Optional<String> key,
            int limit,
            Consumer<String> line) {
        now().log(topic, table, key, limit, line);
    }

    /// Drains the migration. An end that is not done is continued by the next process.
    @Override
    public void close() {
        EndingRun run = end;
        if (run != null) {
            run.close();
        }
        executor.shutdown();
        try {
            if (!executor.awaitTermination(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                executor.shutdownNow();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        stop();
    }
}
