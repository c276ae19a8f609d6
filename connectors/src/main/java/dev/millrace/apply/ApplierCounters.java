package dev.millrace.apply;

import dev.millrace.change.TableId;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Counters of an applier for status and metrics. Thread-safe.
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

    /// The counts since the applier was started.
    ///
    /// @param rows applied changes by target table
    /// @param batches committed transactions
    /// @param lastError the latest failure, also after it has passed
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
