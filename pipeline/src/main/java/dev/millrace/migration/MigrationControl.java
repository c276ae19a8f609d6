package dev.millrace.migration;

import dev.millrace.flow.FlowChange;
import dev.millrace.journal.JournalPage;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.rejected.RejectedKeys;
import dev.millrace.repair.RepairControl;
import dev.millrace.replication.RefusedException;
import dev.millrace.stream.KnownTables.UnknownTableException;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import dev.millrace.verdict.Reconciliations.Unfinished;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/// What an operator can do with a running migration; the interface of HTTP and metrics.
/// Thread-safe.
public interface MigrationControl {

    StatusReport status();

    /// Entries of the journal in their order.
    ///
    /// @param after only entries with higher numbers; 0 for the first ones
    /// @param limit the maximum number of entries
    JournalPage journal(long after, int limit);

    /// True when every component runs. The lag does not matter.
    boolean ready();

    /// Pauses, resumes or throttles the flow, or stops all writes. The change is journaled and kept
    /// over a restart.
    ///
    /// @throws RefusedException when the change is not possible now
    FlowChange.Outcome change(FlowChange change);

    /// Begins to read rows again, or says what would be done.
    ///
    /// @throws RefusedException when that is not possible now; nothing was changed
    /// @throws UnknownTableException when the name is not a target table of this migration
    Rebackfill rebackfill(Rebackfill.Request request);

    /// A re-backfill that was begun at any time; empty for an unknown id.
    Optional<Rebackfill> rebackfill(UUID id);

    /// The repairs of rows of the target.
    RepairControl repairs();

    /// The keys whose changes wait, of the stream that carries the application's changes.
    RejectedKeys rejected();

    /// Requests a reconciliation of target tables. Reconciliations run one at a time, in the order
    /// of the requests.
    ///
    /// @param targets target tables; an empty list stands for all
    /// @param method all rows are compared if touched keys cannot be known
    /// @throws RefusedException when a reconciliation cannot reach a verdict now
    /// @throws UnknownTableException when a name is not a target table of this migration
    UUID reconcile(List<String> targets, Method method, Asker by);

    /// The same, of all rows.
    default UUID reconcile(List<String> targets) {
        return reconcile(targets, Method.ALL_ROWS, Asker.NOBODY);
    }

    /// Who asks for a reconciliation, or ends one, and why; for the journal.
    ///
    /// @param reason may be empty
    record Asker(Optional<String> who, String reason) {

        public static final Asker NOBODY = new Asker(Optional.empty(), "");
    }

    Optional<ReconciliationState> reconciliation(UUID id);

    /// The last finished reconciliations, the newest first, of the stream that carries the
    /// application's changes.
    List<PastVerdict> reconciliations();

    /// The reconciliation that runs, then those that wait.
    List<Unfinished> unfinishedReconciliations();

    /// Cancels a reconciliation that waits or runs; its report is undecided. A finished one stays
    /// as it is.
    ///
    /// @return its state afterwards; empty for an unknown id
    Optional<ReconciliationState> cancelReconciliation(UUID id, Asker by)
            throws InterruptedException;

    /// The same, by nobody in particular.
    default Optional<ReconciliationState> cancelReconciliation(UUID id)
            throws InterruptedException {
        return cancelReconciliation(id, Asker.NOBODY);
    }

    /// Judges the gates of a switchover or a rollback, and begins to move the traffic if all are
    /// open.
    ///
    /// @throws RefusedException when a gate is closed; nothing was changed
    Operation move(SwitchoverRequest request);

    /// Answers whether the traffic was routed, which an unresolved operation asks.
    ///
    /// @throws RefusedException when no operation is unresolved; nothing was changed
    Operation resolve(Resolution resolution);

    /// An operation that was begun at any time; empty for an unknown id.
    Optional<Operation> operation(UUID id);

    /// The answer of a person to an unresolved operation.
    ///
    /// @param routed whether the application uses the new side
    /// @param dryRun only check that a question is open
    /// @param expectedPhase as for [SwitchoverRequest]
    record Resolution(
            boolean routed,
            boolean dryRun,
            String reason,
            Optional<String> who,
            Optional<String> expectedPhase) {}

    /// Reads one of the topics, as one JSON object per line: each partition from its oldest record,
    /// the partitions in turns. It stops reading after the last requested line.
    ///
    /// @param topic `changes` or `target`
    /// @param table the table to read, or empty for all: a source table of the changes topic, a
    ///   target table of the target topic
    /// @param key the key to read, in the form of [dev.millrace.kafka.ChangeLog.LogFilter#key], or
    ///   empty for all
    /// @param limit the maximum number of lines, 1 or more
    /// @throws UnknownTableException when the migration has no such table on that side
    void log(
            String topic,
            Optional<String> table,
            Optional<String> key,
            int limit,
            Consumer<String> line);
}
