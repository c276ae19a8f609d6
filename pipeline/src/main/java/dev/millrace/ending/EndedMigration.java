package dev.millrace.ending;

import dev.millrace.control.journal.JournalChain;
import dev.millrace.flow.FlowChange;
import dev.millrace.journal.JournalPage;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.rejected.RejectedKeys;
import dev.millrace.repair.RepairControl;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import dev.millrace.verdict.Reconciliations.Unfinished;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A migration that is ending or has ended: only its status can be read. Thread-safe.
record EndedMigration(EndingRun run) implements MigrationControl {

    @Override
    public StatusReport status() {
        Archive archive = run.archive();
        return archive.status()
                .ended(
                        archive.phase(),
                        archive.endedAt(),
                        blockers(archive),
                        newest(StoredJournal.of(archive)));
    }

    private static StatusReport.@Nullable Journal newest(JournalChain chain) {
        return chain.head()
                .map(
                        head ->
                                new StatusReport.Journal(
                                        head.number(),
                                        head.hash(),
                                        chain.check() instanceof JournalChain.Finding.Broken))
                .orElse(null);
    }

    @Override
    public JournalPage journal(long after, int limit) {
        JournalChain stored = StoredJournal.of(run.archive());
        return JournalPage.of(
                run.archive().migration(),
                stored.entries().stream()
                        .filter(entry -> entry.number() > after)
                        .limit(limit)
                        .toList(),
                stored.head());
    }

    private List<String> blockers(Archive archive) {
        if (archive.hasEnded()) {
            return List.of();
        }
        String what = "the migration is ending (" + archive.kind().id() + ")";
        return List.of(run.hindrance().map(reason -> what + ": " + reason).orElse(what));
    }

    /// The status can be served.
    @Override
    public boolean ready() {
        return true;
    }

    RefusedException refused() {
        Archive archive = run.archive();
        return new RefusedException(
                archive.hasEnded()
                        ? "Migration %s has ended (%s). Only its status can be read"
                                .formatted(archive.migration(), archive.phase())
                        : "Migration %s is ending (%s). Only its status can be read"
                                .formatted(archive.migration(), archive.kind().id()));
    }

    @Override
    public FlowChange.Outcome change(FlowChange change) {
        throw refused();
    }

    @Override
    public RepairControl repairs() {
        return RepairControl.refusing(this::refused);
    }

    @Override
    public RejectedKeys rejected() {
        throw refused();
    }

    @Override
    public Rebackfill rebackfill(Rebackfill.Request request) {
        throw refused();
    }

    @Override
    public Optional<Rebackfill> rebackfill(UUID id) {
        return Optional.empty();
    }

    @Override
    public UUID reconcile(List<String> targets, Method method, Asker by) {
        throw refused();
    }

    @Override
    public Optional<ReconciliationState> reconciliation(UUID id) {
        return Optional.empty();
    }

    @Override
    public List<Unfinished> unfinishedReconciliations() {
        return List.of();
    }

    @Override
    public List<PastVerdict> reconciliations() {
        return List.of();
    }

    @Override
    public Optional<ReconciliationState> cancelReconciliation(UUID id, Asker by) {
        throw refused();
    }

    @Override
    public Operation move(SwitchoverRequest request) {
        throw refused();
    }

    @Override
    public Operation resolve(Resolution resolution) {
        throw refused();
    }

    @Override
    public Optional<Operation> operation(UUID id) {
        return Optional.empty();
    }

    @Override
    public void log(
            String topic,
            Optional<String> table,
            Optional<String> key,
            int limit,
            Consumer<String> line) {
        throw refused();
    }
}
