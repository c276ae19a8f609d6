package dev.millrace.apply.refusal;

import dev.millrace.change.TableId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What an operator asks for keys that were set aside, or for a stopped table. The applier does it
/// between two batches.
public sealed interface KeyRequest {

    /// Applies the changes that wait, each key's in their order. Keys that give a value to each
    /// other must be asked for together.
    ///
    /// @param ids of the keys; empty for all of them
    record Retry(Set<Long> ids) implements KeyRequest {

        public Retry {
            ids = Set.copyOf(ids);
        }
    }

    /// Drops the changes that wait. Later changes of the keys are applied.
    ///
    /// @param ids of the keys, at least one
    /// @param who the operator
    record Skip(Set<Long> ids, String who, String reason) implements KeyRequest {

        public Skip {
            ids = Set.copyOf(ids);
            if (ids.isEmpty() || reason.isBlank()) {
                throw new IllegalArgumentException("Keys are skipped by their ids, for a reason.");
            }
        }
    }

    /// Lets a stopped table continue: its keys are retried, then it applies what it missed.
    record Resume(TableId table) implements KeyRequest {}

    /// What became of the keys.
    ///
    /// @param done ids of keys that are applied or skipped
    /// @param refused why the others wait on, by their ids
    /// @param refusal why a table does not continue; empty if it does
    record Outcome(List<Long> done, Map<Long, String> refused, Optional<String> refusal) {

        public Outcome(List<Long> done, Map<Long, String> refused) {
            this(done, refused, Optional.empty());
        }

        public Outcome {
            done = List.copyOf(done);
            refused = Map.copyOf(refused);
        }
    }
}
