package dev.millrace.migration;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What an operator is told, as `status -o json` prints it. Fields may be added, none is ever
/// removed or renamed. What can't be read is `null`, never zero.
///
/// @param phase the name of the [Phase]
/// @param parts the moving parts and how each is
/// @param blockers why the migration can't go on or be switched, each with its remedy
/// @param nextActions verbs that are legal now
/// @param warnings what does not hinder the migration and is worth knowing
public record StatusReport(
        String migration,
        String phase,
        @Nullable Instant phaseSince,
        int generation,
        Lag lag,
        List<Table> tables,
        List<Part> parts,
        Counts counts,
        @Nullable LastReconciliation lastReconciliation,
        List<String> blockers,
        List<String> nextActions,
        List<String> warnings) {

    public StatusReport {
        // The answer of an older service has none.
        warnings = warnings == null ? List.of() : List.copyOf(warnings);
        tables = List.copyOf(tables);
        parts = List.copyOf(parts);
        blockers = List.copyOf(blockers);
        nextActions = List.copyOf(nextActions);
    }

    /// @param sourceBytes WAL that the source keeps for us until Kafka has it
    /// @param records records in both topics that are not yet applied
    /// @param endToEndSeconds age of the newest moment of the source up to which the target is
    ///   complete
    public record Lag(
            @Nullable Long sourceBytes, @Nullable Long records, @Nullable Double endToEndSeconds) {}

    /// @param rejected changes that were not applied since the table stopped, with the one that
    ///   stopped it; `null` while it is not known
    /// @param stopped why the table is stopped, or `null`
    public record Table(
            String target,
            List<String> sources,
            Backfill backfill,
            @Nullable Long rejected,
            @Nullable String stopped) {

        public Table {
            sources = List.copyOf(sources);
        }
    }

    /// @param rowsDone rows of the source read into the log
    /// @param rowsEstimated by the source's statistics, or `null` when it has none
    public record Backfill(long rowsDone, @Nullable Long rowsEstimated, boolean done) {}

    /// @param name `capture`, `mappings`, `applier`, `source`
    /// @param well false when it needs a look; `state` then says what is the matter
    public record Part(String name, String state, boolean well, @Nullable Instant since) {}

    /// @param events written to the changes topic by this process
    /// @param rows applied to the target by this process
    /// @param batches transactions on the target by this process
    public record Counts(long events, long rows, long batches) {}

    /// The last comparison that speaks for the migration: of all tables, or one that found some
    /// different.
    ///
    /// @param allTablesAt when a comparison of all tables last finished, `null` when none has
    public record LastReconciliation(
            String verdict, Instant finishedAt, @Nullable Instant allTablesAt) {}
}
