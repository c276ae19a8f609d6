package dev.millrace.ending;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.State;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The operation that ends a migration, as the API shows it: the same fields as [Operation].
/// Immutable.
///
/// @param id `null` for a dry run
/// @param steps each with what it removes, or has removed, as a note
/// @param pauseMs always `null`: no traffic is moved
/// @param outcome what was reached, or why the operation waits; `null` while it runs
public record Ending(
        @Nullable UUID id,
        Kind kind,
        State state,
        List<Operation.Step> steps,
        List<Gate> gates,
        @Nullable Long pauseMs,
        @Nullable String outcome) {

    public Ending {
        steps = List.copyOf(steps);
        gates = List.copyOf(gates);
    }

    /// How a migration ends.
    public enum Kind {
        /// Before the switchover: the application stays on the source.
        ABORT("ABORTED"),

        /// After the switchover: the application stays on the target, and there is no way back.
        COMPLETE("COMPLETED");

        private final String phase;

        Kind(String phase) {
            this.phase = phase;
        }

        /// The name in JSON and in the archive.
        @JsonValue
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// The last phase of the migration.
        public String phase() {
            return phase;
        }
    }
}
