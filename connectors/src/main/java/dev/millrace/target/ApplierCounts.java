package dev.millrace.target;

import dev.millrace.change.TableId;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

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
