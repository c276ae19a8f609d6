package dev.millrace.apply;

import dev.millrace.change.TableId;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Counts for status and metrics. Safe for any thread.
public final class ApplierCounters {

    private final InstantSource clock;
    private final Map<TableId, Long> rows = new HashMap<>();
    private long batches;
    private @Nullable String lastError;
    private @Nullable Instant lastApplied;

    ApplierCounters(InstantSource clock) {
        this.clock = clock;
    }

    synchronized void applied(Map<TableId, Long> changes) {
        changes.forEach((table, count) -> rows.merge(table, count, Long::sum));
        batches++;
        lastApplied = clock.instant();
    }

    synchronized void error(String reason) {
        lastError = reason;
    }

    synchronized ApplierCounts counts() {
        return new ApplierCounts(
                rows, batches, Optional.ofNullable(lastError), Optional.ofNullable(lastApplied));
    }

    /// What an applier has done since it was started.
    ///
    /// @param rows changes applied, by target table
    /// @param batches transactions committed
    /// @param lastError the last trouble, also when it has passed
    public record ApplierCounts(
            Map<TableId, Long> rows,
            long batches,
            Optional<String> lastError,
            Optional<Instant> lastApplied) {

        public ApplierCounts {
            rows = Map.copyOf(rows);
        }
    }
}
