package dev.millrace.rollback;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What a rollback would cost now, as the status shows it: the component names are the field names.
/// A value that cannot be read is `null`, never zero. Fields may be added. Immutable.
///
/// @param switchedAt when the switchover was done
/// @param windowEndsAt until when the way back is meant to be kept; nothing is dropped then
/// @param rowsApplied changes of the target that were applied to the source since the switchover,
///   also by earlier processes
/// @param lag of the replication back to the source
/// @param lossy the source tables of which some columns do not come back exactly
/// @param seconds estimate of the time for which writes would wait
/// @param basis what the estimate adds up, or why there is none
/// @param comparesAllRows whether the rollback first reads all rows of both sides, while the
///   application writes
public record RollbackPrice(
        @Nullable Instant switchedAt,
        @Nullable Instant windowEndsAt,
        @Nullable Long rowsApplied,
        ReverseLag lag,
        List<LossyTable> lossy,
        @Nullable Double seconds,
        String basis,
        boolean comparesAllRows) {

    public RollbackPrice {
        lossy = List.copyOf(lossy);
    }

    /// That the time for which the way back is meant to be kept is over; empty before, and while
    /// its end is unknown.
    public Optional<String> overdue(Instant now) {
        return windowEndsAt == null || now.isBefore(windowEndsAt)
                ? Optional.empty()
                : Optional.of(
                        "the reverse window ended at %s. Nothing was dropped: rollback still works, and the target keeps WAL for it. Run 'millrace complete' to end the migration, or 'millrace rollback'"
                                .formatted(windowEndsAt.truncatedTo(ChronoUnit.SECONDS)));
    }

    /// @param walBytes WAL that the target retains because Kafka has not confirmed it
    /// @param records changes of rows in the log that are not applied to the source yet
    /// @param endToEndSeconds age of the newest point in time of the target up to which the source
    ///   is complete
    /// @param safeWalBytes WAL that the target can still write before it may invalidate the slot;
    ///   `null` also if `max_slot_wal_keep_size` sets no limit
    public record ReverseLag(
            @Nullable Long walBytes,
            @Nullable Long records,
            @Nullable Double endToEndSeconds,
            @Nullable Long safeWalBytes) {

        static final ReverseLag UNKNOWN = new ReverseLag(null, null, null, null);
    }

    /// A source table that does not get back everything.
    ///
    /// @param columns come back with losses: a row keeps their values where the target's value
    ///   tells no other
    /// @param absent do not come back: a row keeps their values, and a new row has their defaults
    /// @param rowsApplied changes that were applied to this table since `since`
    /// @param since `null` if every change since the switchover counts
    public record LossyTable(
            String table,
            List<String> columns,
            List<String> absent,
            @Nullable Long rowsApplied,
            @Nullable Instant since) {

        public LossyTable {
            columns = List.copyOf(columns);
            absent = List.copyOf(absent);
        }
    }
}
