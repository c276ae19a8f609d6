package dev.millrace.migration;

import dev.millrace.reconcile.ReconciliationReport;
import java.time.Instant;

/// Where a comparison is that was asked for.
public sealed interface ReconciliationState {

    record Waiting(Instant askedAt) implements ReconciliationState {}

    record Running(Instant startedAt) implements ReconciliationState {}

    record Finished(ReconciliationReport report) implements ReconciliationState {}

    /// It could not be carried out; nothing is known about equality.
    record Failed(String reason) implements ReconciliationState {}
}
