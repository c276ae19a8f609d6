package dev.millrace.migration;

import dev.millrace.certificate.CertificateReader.Expiry;
import dev.millrace.flow.FlowReport;
import dev.millrace.journal.JournalPage;
import dev.millrace.lag.ServerUse;
import dev.millrace.lag.TopicLag;
import dev.millrace.rebackfill.Rebackfill.Summary;
import dev.millrace.rollback.RollbackPrice;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The status of a migration, as `status -o json` prints it. Fields may be added; none is removed
/// or renamed. A value that cannot be read is `null`, never zero. Immutable.
///
/// @param phase the name of the [Phase]
/// @param parts the components and servers, each with its state
/// @param blockers why the migration cannot continue or be switched over, each with its remedy
/// @param nextActions commands that are legal now
/// @param warnings findings that do not stop the migration
/// @param log the disk use of the log; `null` only in the status of an older service
/// @param backfill what the operator set for the backfill; `null` with `backfill: engine`, which
///   takes no settings, and in the status of an older service
/// @param operation the last switchover or rollback if it has not ended, or ended in the last hour;
///   otherwise `null`
/// @param rollback what a rollback would cost now; `null` if the phase is not REVERSIBLE
/// @param rebackfill why rows must be read again, or how far that is; `null` if neither
/// @param foreignWrites what another program wrote on the target; `null` if nothing was found since
///   a reconciliation found all tables equal
/// @param journal the newest entry of the journal; `null` while it is unknown, and in the status of
///   an older service
/// @param apply what the operator set for apply; `null` only in the status of an older service
/// @param stopWhen the stop conditions, in the order of the file, then the one of the WAL budget
/// @param wal what the source retains; `null` only in the status of an older service
/// @param eta when the backfill and the catch-up are done; `null` only in the status of an older
///   service
/// @param servers the source and the target
/// @param certificates on which the connections depend; empty without TLS
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
        List<String> warnings,
        @Nullable Log log,
        FlowReport.@Nullable Backfill backfill,
        @Nullable Move operation,
        @Nullable RollbackPrice rollback,
        @Nullable Summary rebackfill,
        @Nullable ForeignWrites foreignWrites,
        @Nullable Journal journal,
        FlowReport.@Nullable Apply apply,
        List<FlowReport.Condition> stopWhen,
        FlowReport.@Nullable Wal wal,
        @Nullable Eta eta,
        List<ServerUse> servers,
        List<Expiry> certificates) {

    public StatusReport {
        // The status of an older service contains none.
        warnings = warnings == null ? List.of() : List.copyOf(warnings);
        stopWhen = stopWhen == null ? List.of() : List.copyOf(stopWhen);
        tables = List.copyOf(tables);
        parts = List.copyOf(parts);
        servers = servers == null ? List.of() : List.copyOf(servers);
        certificates = certificates == null ? List.of() : List.copyOf(certificates);
        blockers = List.copyOf(blockers);
        nextActions = List.copyOf(nextActions);
    }

    /// The status of a migration that is ending or has ended: no component runs.
    ///
    /// @param end when it ended; `null` before
    /// @param ending the newest entry of the journal in the archive
    public StatusReport ended(
            String phase, @Nullable Instant end, List<String> blockers, @Nullable Journal ending) {
        return new StatusReport(
                migration,
                phase,
                end == null ? phaseSince : end,
                generation,
                Lag.UNKNOWN,
                tables,
                List.of(),
                counts,
                lastReconciliation,
                blockers,
                List.of(),
                warnings,
                log,
                backfill,
                null,
                null,
                null,
                null,
                ending,
                apply,
                List.of(),
                null,
                null,
                List.of(),
                List.of());
    }

    /// The status with further warnings and commands.
    public StatusReport with(List<String> moreWarnings, List<String> moreActions) {
        return new StatusReport(
                migration,
                phase,
                phaseSince,
                generation,
                lag,
                tables,
                parts,
                counts,
                lastReconciliation,
                blockers,
                Stream.concat(nextActions.stream(), moreActions.stream()).toList(),
                Stream.concat(warnings.stream(), moreWarnings.stream()).toList(),
                log,
                backfill,
                operation,
                rollback,
                rebackfill,
                foreignWrites,
                journal,
                apply,
                stopWhen,
                wal,
                eta,
                servers,
                certificates);
    }

    /// The newest entry of the journal.
    ///
    /// @param hash depends on every entry: note it elsewhere, and no entry can be changed unseen
    /// @param broken an entry does not follow the one before it
    public record Journal(long number, String hash, boolean broken) {

        public static Journal of(JournalPage.Newest newest, boolean broken) {
            return new Journal(newest.number(), newest.hash(), broken);
        }
    }

    /// Rows of the target that another program wrote and that differ from the source.
    ///
    /// @param rows found since the start of the service
    /// @param tables that have them
    /// @param lastAt when the last one was found
    public record ForeignWrites(long rows, List<String> tables, @Nullable Instant lastAt) {

        public ForeignWrites {
            tables = List.copyOf(tables);
        }
    }

    /// How far each stage is from the source, or from the stage before it.
    ///
    /// @param sourceBytes WAL that the source retains because Kafka has not confirmed it
    /// @param records changes of rows in the log that are not applied yet
    /// @param endToEndSeconds age of the newest point in time of the source up to which the target
    ///   is complete
    /// @param safeWalBytes WAL that the source can still write before it may invalidate the slot;
    ///   `null` also if `max_slot_wal_keep_size` sets no limit
    /// @param sourceSeconds age of the oldest change that the source may retain
    /// @param captureBytes WAL whose changes are not in the log
    /// @param captureSeconds age of the newest point in time of the source up to which the log is
    ///   complete
    /// @param slotActive whether a session streams from the replication slot
    /// @param topics the records of both topics that are not read yet, as reported by the broker
    public record Lag(
            @Nullable Long sourceBytes,
            @Nullable Long records,
            @Nullable Double endToEndSeconds,
            @Nullable Long safeWalBytes,
            @Nullable Double sourceSeconds,
            @Nullable Long captureBytes,
            @Nullable Double captureSeconds,
            @Nullable Boolean slotActive,
            List<TopicLag> topics) {

        public static final Lag UNKNOWN = new Lag(null, null, null, null);

        public Lag {
            // The status of an older service contains none.
            topics = topics == null ? List.of() : List.copyOf(topics);
        }

        /// Without the lag of single stages.
        public Lag(
                @Nullable Long sourceBytes,
                @Nullable Long records,
                @Nullable Double endToEndSeconds,
                @Nullable Long safeWalBytes) {
            this(
                    sourceBytes,
                    records,
                    endToEndSeconds,
                    safeWalBytes,
                    null,
                    null,
                    null,
                    null,
                    List.of());
        }
    }

    /// How long something takes at the rate of the last half minute; 0 if it is done, `null` while
    /// that is unknown.
    ///
    /// @param backfillSeconds until all existing rows are in the log
    /// @param catchUpSeconds until the target has what the source has now, and what is added
    ///   meanwhile
    public record Eta(@Nullable Double backfillSeconds, @Nullable Double catchUpSeconds) {}

    /// Bytes on the disks of all brokers, replicas included; `null` while they are unknown.
    ///
    /// @param changesBytes of the changes topic
    /// @param targetBytes of the target topic
    public record Log(@Nullable Long changesBytes, @Nullable Long targetBytes) {}

    /// A switchover or a rollback; [dev.millrace.switchover.Operation] has its steps and gates.
    ///
    /// @param kind `switchover` or `rollback`
    /// @param state `running`, `returning`, `unresolved`, `done` or `returned`
    /// @param step the step that was performed or undone last; `null` before the first
    /// @param outcome what was reached and why, or the question of an unresolved operation; `null`
    ///   while the operation runs
    /// @param finishedAt `null` until the operation has ended
    /// @param pauseMs milliseconds for which writes waited at most; `null` while unknown
    public record Move(
            String id,
            String kind,
            String state,
            @Nullable String step,
            @Nullable String outcome,
            Instant startedAt,
            @Nullable Instant finishedAt,
            @Nullable Long pauseMs) {}

    /// @param rejected number of changes that are not applied, because the table is stopped or
    ///   because their key waits; `null` while unknown
    /// @param stopped why the table is stopped, or `null`
    /// @param rejectedKeys number of keys whose changes wait for an operator; `null` while unknown
    /// @param heldKeys number of held keys: another row is in the way, and they are tried again
    ///   automatically; `null` while unknown
    public record Table(
            String target,
            List<String> sources,
            Backfill backfill,
            @Nullable Long rejected,
            @Nullable String stopped,
            @Nullable Long rejectedKeys,
            @Nullable Long heldKeys) {

        public Table {
            sources = List.copyOf(sources);
        }
    }

    /// @param rowsDone rows read from the source and written to the log
    /// @param rowsEstimated rows by the source's statistics, or `null` without statistics
    public record Backfill(long rowsDone, @Nullable Long rowsEstimated, boolean done) {}

    /// A component or a server.
    ///
    /// @param name for example `capture`, `mappings`, `applier`, `source`
    /// @param well false when it does not run as it should; `state` then says why
    public record Part(String name, String state, boolean well, @Nullable Instant since) {}

    /// @param events written to the changes topic by this process
    /// @param rows applied to the target by this process
    /// @param batches transactions on the target by this process
    public record Counts(long events, long rows, long batches) {}

    /// The last reconciliation that counts for the whole migration: one of all tables, or one that
    /// found differences.
    ///
    /// @param allTablesAt when a reconciliation of all tables last finished; `null` before the
    ///   first
    public record LastReconciliation(
            String verdict, Instant finishedAt, @Nullable Instant allTablesAt) {}

    /// For a value that may be unknown.
    static @Nullable Double seconds(Optional<Duration> time) {
        return time.map(known -> known.toMillis() / 1_000.0).orElse(null);
    }
}
