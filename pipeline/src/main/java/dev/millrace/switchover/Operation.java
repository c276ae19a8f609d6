package dev.millrace.switchover;

import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// An operation that moves the traffic, as the API and the status show it: the component names are
/// the field names. Fields may be added. Immutable.
///
/// @param kind the direction of the move
/// @param pauseMs milliseconds from the first step that the application may notice until it can
///   write again; `null` while unknown
/// @param outcome what was reached and why, or the question of an unresolved operation; `null`
///   while the operation runs
public record Operation(
        @Nullable UUID id,
        Kind kind,
        State state,
        List<Step> steps,
        List<Gate> gates,
        @Nullable Long pauseMs,
        @Nullable String outcome) {

    public Operation {
        steps = List.copyOf(steps);
        gates = List.copyOf(gates);
    }

    /// The direction in which an operation moves the traffic.
    public enum Kind {
        SWITCHOVER("source", "target"),

        /// The way back of a switchover.
        ROLLBACK("target", "source");

        private final String from;
        private final String to;

        Kind(String from, String to) {
            this.from = from;
            this.to = to;
        }

        /// The name in JSON and in the control schema.
        @JsonValue
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// The side to which the application writes before, `source` or `target`.
        public String from() {
            return from;
        }

        /// The side to which the application writes afterwards.
        public String to() {
            return to;
        }

        public static Kind of(String id) {
            for (Kind kind : values()) {
                if (kind.id().equals(id)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("Unknown kind of an operation: '" + id + "'.");
        }
    }

    /// The state of an operation.
    public enum State {
        /// Nothing was changed.
        DRY_RUN,
        RUNNING,
        /// Steps are being undone.
        RETURNING,
        /// Waits for the answer of a person.
        UNRESOLVED,
        /// The application writes to the other side.
        DONE,
        /// The application writes to the same side as before.
        RETURNED;

        /// The name in JSON and in the control schema.
        @JsonValue
        public String id() {
            return switch (this) {
                case DRY_RUN -> "dryRun";
                case RUNNING, RETURNING, UNRESOLVED, DONE, RETURNED ->
                        name().toLowerCase(Locale.ROOT);
            };
        }

        public boolean isFinished() {
            return switch (this) {
                case DRY_RUN, DONE, RETURNED -> true;
                case RUNNING, RETURNING, UNRESOLVED -> false;
            };
        }

        public static State of(String id) {
            for (State state : values()) {
                if (state.id().equals(id)) {
                    return state;
                }
            }
            throw new IllegalArgumentException("Unknown state of an operation: '" + id + "'.");
        }
    }

    /// @param state `planned`, `started`, `done`, `failed` or `undone`
    /// @param seconds `null` until the step has ended
    /// @param note what was done, or why the step failed
    public record Step(
            String name,
            String state,
            @Nullable Instant startedAt,
            @Nullable Double seconds,
            @Nullable String note) {}
}
