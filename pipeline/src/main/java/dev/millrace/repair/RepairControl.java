package dev.millrace.repair;

import dev.millrace.replication.RefusedException;
import dev.millrace.stream.KnownTables.UnknownTableException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;

/// What an operator can do about rows of the target that differ. Thread-safe.
public interface RepairControl {

    /// Begins a repair, or a dry run that lists what would be repaired. Both go on after the call.
    ///
    /// @throws RefusedException when that is not possible now; nothing was changed
    /// @throws UnknownTableException when a name is not a target table of this migration
    Repair request(Repair.Request request);

    /// Ends the repair that runs: its rows that are in the log remain repaired.
    ///
    /// @param who the operator, as the client names it; empty for the service's own name
    /// @throws RefusedException when none runs; nothing was changed
    Repair cancel(Optional<String> who, String reason);

    /// A repair that was begun at any time; empty for an unknown id.
    Optional<Repair> find(UUID id);

    /// The last repairs and dry runs, the newest first.
    List<Repair.Summary> recent();

    /// The keys of a repair in their order; empty for an unknown id.
    ///
    /// @param after number of the last key that is known; 0 for the first keys
    List<Repair.Key> keys(UUID id, long after, int limit);

    /// Refuses everything, and knows no repair.
    static RepairControl refusing(Supplier<RefusedException> refused) {
        return new RepairControl() {
            @Override
            public Repair request(Repair.Request request) {
                throw refused.get();
            }

            @Override
            public Repair cancel(Optional<String> who, String reason) {
                throw refused.get();
            }

            @Override
            public Optional<Repair> find(UUID id) {
                return Optional.empty();
            }

            @Override
            public List<Repair.Summary> recent() {
                return List.of();
            }

            @Override
            public List<Repair.Key> keys(UUID id, long after, int limit) {
                return List.of();
            }
        };
    }
}
