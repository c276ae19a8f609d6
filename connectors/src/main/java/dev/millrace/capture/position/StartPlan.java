package dev.millrace.capture.position;

import dev.millrace.change.Lsn;
import dev.millrace.postgres.ReplicationSlot;
import java.util.Optional;

/// How a capture may start, decided from the position in the log and the replication slot on the
/// source. Whatever would continue after a gap is [Lost]. Immutable.
public sealed interface StartPlan {

    /// The log contains nothing of this generation. The engine creates the slot and reads the
    /// snapshot in the same start, so that the snapshot is the exported one and the stream begins
    /// at its position.
    record Fresh() implements StartPlan {}

    record Resume(SourcePosition position) implements StartPlan {}

    /// The log contains an incomplete snapshot.
    record Interrupted() implements StartPlan {}

    record Lost(String reason) implements StartPlan {}

    static StartPlan of(
            int generation,
            Optional<SourcePosition> position,
            Optional<ReplicationSlot> slot,
            String slotName,
            String database) {
        if (position.isEmpty() || position.get().generation() < generation) {
            return new Fresh();
        }
        SourcePosition last = position.get();
        if (last.generation() > generation) {
            return new Lost(
                    "The log contains generation "
                            + last.generation()
                            + ", but this process runs generation "
                            + generation
                            + ".");
        }
        if (!last.streaming()) {
            return new Interrupted();
        }
        return slot.<StartPlan>map(found -> resume(last, found, database))
                .orElseGet(
                        () ->
                                new Lost(
                                        "Replication slot "
                                                + slotName
                                                + " no longer exists on the source. Changes after "
                                                + last.boundary()
                                                + " are lost."));
    }

    private static StartPlan resume(SourcePosition last, ReplicationSlot slot, String database) {
        Optional<ReplicationSlot.Defect> defect = slot.defect(database);
        if (defect.isPresent()) {
            return new Lost(
                    "Replication slot " + slot.name() + " " + describe(defect.get(), slot) + ".");
        }
        Optional<Lsn> advanced =
                slot.confirmedFlush().filter(flushed -> flushed.compareTo(last.boundary()) > 0);
        return advanced.<StartPlan>map(
                        flushed ->
                                new Lost(
                                        "Replication slot "
                                                + slot.name()
                                                + " was advanced to "
                                                + flushed
                                                + ", but the log ends at "
                                                + last.boundary()
                                                + "."))
                .orElseGet(() -> new Resume(last));
    }

    private static String describe(ReplicationSlot.Defect defect, ReplicationSlot slot) {
        return switch (defect) {
            case FOREIGN ->
                    slot.plugin()
                                    .map(plugin -> "belongs to plugin " + plugin)
                                    .orElse("is a physical slot")
                            + slot.database().map(other -> " and database " + other).orElse("");
            case INVALIDATED ->
                    "was invalidated: the source has removed WAL that it needs (wal_status "
                            + slot.walStatus().orElse("unknown")
                            + ")";
        };
    }
}
