package dev.millrace.spec.source;

import dev.millrace.change.TableId;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// What a change of a source table's definition does to its target tables, by kind. Immutable.
///
/// @param policies of the kinds for which the file sets one
public record SchemaChange(Map<Kind, Policy> policies) {

    /// Where the file sets nothing.
    public static final SchemaChange NONE = new SchemaChange(Map.of());

    /// What happens to a target table.
    public enum Policy {
        /// The table goes on; `status` names the change.
        IGNORE("ignore"),

        /// The rows that the stream lacks are read again, and the table goes on.
        APPLY("apply"),

        /// The table is stopped until an operator accepts the change or takes it back.
        PAUSE("pause");

        private final String id;

        Policy(String id) {
            this.id = id;
        }

        /// The name in the file.
        public String id() {
            return id;
        }
    }

    /// A kind of change. Policies that cannot be followed exactly are refused.
    public enum Kind {
        ADD_COLUMN(
                Policy.IGNORE,
                false,
                "No mapping reads the column, and a '*' keeps its columns for good"),
        DROP_COLUMN(Policy.PAUSE, false, "Without the column no row can be mapped"),
        RENAME_COLUMN(Policy.PAUSE, false, "Without the column no row can be mapped"),
        RETYPE_COLUMN(
                Policy.PAUSE, false, "Only an operator knows whether the target takes the values"),
        RENAME_TABLE(
                Policy.PAUSE,
                false,
                "Under another name the stream does not carry changes of the table"),
        ADD_ENUM_LABEL(
                Policy.PAUSE,
                false,
                "Rows with the label wait until the target has it, and go on by themselves"),
        ATTACH_PARTITION(Policy.APPLY, true, "Its rows are missing on the target"),
        DETACH_PARTITION(Policy.APPLY, true, "Its rows remain on the target");

        private final Policy standard;
        private final boolean mayPause;
        private final String reason;

        Kind(Policy standard, boolean mayPause, String reason) {
            this.standard = standard;
            this.mayPause = mayPause;
            this.reason = reason;
        }

        /// The name in the file.
        public String id() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        public Policy standard() {
            return standard;
        }

        private List<Policy> possible() {
            return mayPause ? List.of(standard, Policy.PAUSE) : List.of(standard);
        }
    }

    /// One line of the section.
    public sealed interface Line {

        record Known(Kind kind, Policy policy) implements Line {}

        /// @param ofKind whether the kind is unknown; otherwise its policy is refused
        record Refused(boolean ofKind, String message, String remedy) implements Line {}
    }

    public SchemaChange {
        policies = Map.copyOf(policies);
    }

    /// Reads one line of the section.
    public static Line line(String kind, String policy) {
        Optional<Kind> known =
                Arrays.stream(Kind.values()).filter(each -> each.id().equals(kind)).findFirst();
        if (known.isEmpty()) {
            return new Line.Refused(
                    true,
                    "is no kind of schema change",
                    "use one of "
                            + Arrays.stream(Kind.values())
                                    .map(Kind::id)
                                    .collect(Collectors.joining(", ")));
        }
        return known.get().possible().stream()
                .filter(each -> each.id().equals(policy))
                .findFirst()
                .<Line>map(each -> new Line.Known(known.get(), each))
                .orElseGet(() -> refused(known.get()));
    }

    private static Line refused(Kind kind) {
        String possible =
                kind.possible().stream().map(Policy::id).collect(Collectors.joining(" or "));
        return new Line.Refused(
                false, kind.id() + " must be " + possible + ": " + kind.reason, "set " + possible);
    }

    /// The policy of each target table.
    ///
    /// @param standard for every table that is not in `tables`, and for kinds that a table does not
    ///   set
    /// @param tables by target table
    public record Setting(SchemaChange standard, Map<TableId, SchemaChange> tables) {

        /// What applies where the file sets nothing.
        public static final Setting STANDARD = new Setting(NONE, Map.of());

        public Setting {
            tables = Map.copyOf(tables);
        }

        public Policy of(TableId target, Kind kind) {
            SchemaChange ofTable = tables.getOrDefault(target, NONE);
            return ofTable.policies()
                    .getOrDefault(kind, standard.policies().getOrDefault(kind, kind.standard()));
        }
    }
}
