package dev.millrace.ending;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// The steps that remove a migration, in their order. Each can be repeated, so that the next
/// process continues after a kill. The archive is written before the first one.
public enum EndingStep {
    STOP("Stop every component of the migration."),
    INDEXES(
            "Create the indexes and foreign keys of the target that were dropped for the backfill."),
    SLOTS("Drop replication slots and publications."),

    /// After the slots: what a capture would still read has no name without its origin.
    ORIGINS("Drop replication origins."),
    FENCES(
            "Drop the triggers of the fences and their leases; the tables accept every write again."),
    TOPICS("Delete topics and consumer groups in Kafka."),

    /// Last of what others can see: until then, no other process can begin this migration again.
    CONTROL(
            "Remove the migration from the control schemas, which are dropped if no other uses them."),
    FILES("Delete the local state of the mappings."),

    /// Only if the operator asks for it, and after everything else has succeeded.
    RENAME("Rename the old source tables.");

    /// The steps of one end, in their order.
    ///
    /// @param renames whether the old tables are renamed
    public static List<EndingStep> of(boolean renames) {
        return Arrays.stream(values()).filter(step -> renames || step != RENAME).toList();
    }

    /// Observes the steps, for tests.
    public interface Trace {

        Trace NONE = (_, _) -> {};

        /// @param moment `before` or `after` the effect
        void at(EndingStep step, String moment);
    }

    private final String text;

    EndingStep(String text) {
        this.text = text;
    }

    /// The name in JSON and in the archive.
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// What the step does.
    String text() {
        return text;
    }
}
