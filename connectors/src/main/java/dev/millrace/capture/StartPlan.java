package dev.millrace.capture;

import dev.millrace.capture.position.SourcePosition;
import dev.millrace.postgres.ReplicationSlot;
import java.util.Optional;

/// How a capture may start: judged from the position that the log holds and the slot that the
/// source holds, never blindly. Anything that would continue over a gap is [Lost].
sealed interface StartPlan {

    /// Nothing of this generation is in the log: the engine makes the slot and reads the snapshot
    /// in the same start, so that the snapshot is the exported one and the stream begins at its
    /// point.
    record Fresh() implements StartPlan {}

    record Resume(SourcePosition position) implements StartPlan {}

    record Interrupted() implements StartPlan {}

    record Lost(String reason) implements StartPlan {}

    static StartPlan of(
            int generation,
            Optional<SourcePosition> position,
            Optional<ReplicationSlot> slot,
            String database) {
        if (position.isEmpty() || position.get().generation() < generation) {
            return new Fresh();
        }
        SourcePosition last = position.get();
        if (last.generation() > generation) {
            return new Lost(
                    "the log is at generation "
                            + last.generation()
                            + ", this service runs generation "
                            + generation);
        }
        if (!last.streaming()) {
            return new Interrupted();
        }
        return slot.<StartPlan>map(found -> resume(last, found, database))
                .orElseGet(
                        () ->
                                new Lost(
                                        "the replication slot is gone from the source, changes after "
                                                + last.boundary()
                                                + " are lost"));
    }

    private static StartPlan resume(SourcePosition last, ReplicationSlot slot, String database) {
        if (!slot.plugin().equals(Optional.of("pgoutput"))
                || !slot.database().equals(Optional.of(database))) {
            return new Lost(
                    "slot "
                            + slot.name()
                            + slot.plugin()
                                    .map(plugin -> " belongs to plugin " + plugin)
                                    .orElse(" is a physical one")
                            + slot.database().map(other -> " and database " + other).orElse(""));
        }
        if (slot.walStatus().equals("lost")) {
            return new Lost(
                    "the source has removed WAL that slot "
                            + slot.name()
                            + " needed (wal_status lost)");
        }
        if (slot.confirmedFlush().compareTo(last.boundary()) > 0) {
            return new Lost(
                    "slot "
                            + slot.name()
                            + " was advanced to "
                            + slot.confirmedFlush()
                            + ", the log ends at "
                            + last.boundary());
        }
        return new Resume(last);
    }
}
