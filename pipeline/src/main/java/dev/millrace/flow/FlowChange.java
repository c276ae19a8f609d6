package dev.millrace.flow;

import dev.millrace.throttle.Throttle.Limit;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// What an operator changes about the flow. Immutable.
///
/// @param reason why, for the journal; empty if none is given
/// @param who the operator, as the client names it; empty for the service's own name
/// @param expectedPhase name of the phase in which the change may be made; empty for every phase
/// @param dryRun checks the change and makes none
public record FlowChange(
        Action action,
        String reason,
        Optional<String> who,
        Optional<String> expectedPhase,
        boolean dryRun) {

    /// What can be paused.
    public enum Part {
        /// Reading existing rows on the source.
        BACKFILL("backfill"),
        /// Writing to the target.
        APPLY("apply");

        private static final String ALL = "all";

        private final String id;

        Part(String id) {
            this.id = id;
        }

        /// The name in the API.
        public String id() {
            return id;
        }

        /// @param name `backfill`, `apply` or `all`
        public static Optional<Set<Part>> of(String name) {
            if (name.equals(ALL)) {
                return Optional.of(EnumSet.allOf(Part.class));
            }
            return List.of(values()).stream()
                    .filter(part -> part.id.equals(name))
                    .findFirst()
                    .map(part -> Set.of(part));
        }
    }

    /// What to change.
    public sealed interface Action {

        /// The name in the API and in the journal.
        String kind();

        /// @param parts not empty
        record Pause(Set<Part> parts) implements Action {

            public Pause {
                parts = Set.copyOf(parts);
            }

            public Pause(Part part) {
                this(Set.of(part));
            }

            @Override
            public String kind() {
                return "pause";
            }
        }

        /// @param parts not empty
        record Resume(Set<Part> parts) implements Action {

            public Resume {
                parts = Set.copyOf(parts);
            }

            public Resume(Part part) {
                this(Set.of(part));
            }

            @Override
            public String kind() {
                return "resume";
            }
        }

        /// Ends all writes at once, on both sides.
        record Kill() implements Action {
            @Override
            public String kind() {
                return "kill";
            }
        }

        /// @param limit for all tables together
        record Throttle(Part part, Limit limit) implements Action {

            /// Limits the rows of the backfill; empty for no limit.
            public Throttle(OptionalLong rowsPerSecond) {
                this(Part.BACKFILL, new Limit(rowsPerSecond, OptionalLong.empty()));
            }

            @Override
            public String kind() {
                return "throttle";
            }
        }
    }

    /// @param text what was done, or would be done, for the operator
    /// @param flow the setting with this change; after a dry run it has no effect
    public record Outcome(String text, FlowReport flow) {}
}
