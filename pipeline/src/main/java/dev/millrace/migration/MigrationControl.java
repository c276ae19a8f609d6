package dev.millrace.migration;

import dev.millrace.reconcile.ReconciliationReport;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/// The operator's hands on a running migration; what HTTP and metrics are made of. Any thread.
public interface MigrationControl {

    StatusReport status();

    /// True when every moving part runs; lag is not part of it.
    boolean ready();

    /// Begins a comparison of the target tables, all when the list is empty. One runs at a time;
    /// the others wait.
    ///
    /// @throws RefusedException when none can reach a verdict now
    /// @throws UnknownTableException when a name is no target table of this migration
    UUID reconcile(List<String> targets);

    Optional<ReconciliationState> reconciliation(UUID id);

    /// Ends a comparison that waits or runs; its report is undecided. A finished one stays as it
    /// is.
    ///
    /// @return what became of it; empty for an unknown id
    Optional<ReconciliationState> cancelReconciliation(UUID id) throws InterruptedException;

    /// Reads one of the topics, one JSON object a line: each partition oldest first, the partitions
    /// in turns. It reads no further than the last line that is asked for.
    ///
    /// @param topic `changes` or `target`
    /// @param table to keep, or empty for all: a source table of the changes, a target table of the
    ///   target topic
    /// @param key a key to keep, as [dev.millrace.kafka.ChangeLog.LogFilter#key] reads it, or empty
    ///   for all
    /// @param limit at most so many lines, the first ones that match; 1 or more
    /// @throws UnknownTableException when the migration has no such table on that side
    void log(
            String topic,
            Optional<String> table,
            Optional<String> key,
            int limit,
            Consumer<String> line);

    final class UnknownTableException extends RuntimeException {
        public UnknownTableException(String message) {
            super(message);
        }
    }

    /// Where a comparison is that was asked for.
    public sealed interface ReconciliationState {

        record Waiting(Instant askedAt) implements ReconciliationState {}

        record Running(Instant startedAt) implements ReconciliationState {}

        record Finished(ReconciliationReport report) implements ReconciliationState {}

        /// It could not be carried out; nothing is known about equality.
        record Failed(String reason) implements ReconciliationState {}
    }
}
