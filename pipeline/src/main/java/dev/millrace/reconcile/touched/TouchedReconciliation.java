package dev.millrace.reconcile.touched;

import dev.millrace.change.Lsn;
import dev.millrace.change.RowKey;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.digest.Chunker;
import dev.millrace.digest.ReadFailed;
import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.lifecycle.Incident;
import dev.millrace.lifecycle.Reason;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.Cancellation.Cancelled;
import dev.millrace.reconcile.FencedSourceReader;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.ReplicationProgress.ReplicationUnavailable;
import dev.millrace.reconcile.ShownValues.HashKey;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.pass.Reconciler.Sources;
import dev.millrace.reconcile.pass.Reconciler.Subject;
import dev.millrace.retention.LogHolds;
import dev.millrace.sql.Relation;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Compares the keys that changed since an earlier comparison found their tables equal, instead of
/// all rows. [#prepare] runs before the source is fenced and may take long. [#finish] runs under
/// the fence and reads each table once for new row versions and for the count, without its large
/// values; the source's table twice if the SELECT leaves out rows. Not thread-safe; one comparison
/// at a time.
///
/// **Touched keys** are those of changes in the changes topic since the earlier comparison, those
/// of source rows whose version was written since, and those of target rows whose version was
/// written since, by whomever. The images of these keys are compared on both sides.
///
/// **Why the others are equal.** Take a key that is not touched. If both sides have a row of it,
/// both versions were visible to the earlier comparison, which found their images equal: a version
/// never changes, and the definitions of the tables are compared as well. If neither side has one,
/// it is equal. If only the source has one, the earlier comparison saw it on both sides, and it was
/// deleted on the target since. The deletion is not from the stream, whose changes are in the log.
/// If only the target has one, it was deleted on the source since, and the log lacks this change.
/// So an unequal key that is not touched is a row deleted by a stranger on the target, or a row
/// whose deletion on the source was lost before the log. Each changes the difference of the counts,
/// in opposite directions.
///
/// **What is not seen.** Strangers deleted as many rows on the target as deletions on the source
/// were lost before the log, and no key of them was changed otherwise. A transaction on the target
/// that commits after [#finish] read it: the fence of the target prevents it. Changes below SQL,
/// such as a damaged page or `pg_surgery`. Only a comparison of all rows finds the first and the
/// last.
///
/// **Why a preparation helps.** It compares the keys that were touched until its own reads, and
/// records where these began. By the argument above, the next comparison builds on it as on a
/// comparison of all rows; deletions without a trace add up until the counts are compared.
public final class TouchedReconciliation {

    private static final Logger LOG = LoggerFactory.getLogger(TouchedReconciliation.class);

    private final Subject subject;
    private final ReplicationProgress progress;
    private final Sources sources;
    private final ReconcileLimits limits;
    private final InstantSource clock;

    /// A target table.
    ///
    /// @param source the mapping's source table as its catalog describes it
    public record Table(Mapping mapping, Relation source) {}

    /// When a comparison must end. It is undecided then.
    public record Limit(Cancellation cancellation, Instant deadline) {}

    public TouchedReconciliation(
            Subject subject,
            ReplicationProgress progress,
            Sources sources,
            ReconcileLimits limits,
            InstantSource clock) {
        this.subject = subject;
        this.progress = progress;
        this.sources = sources;
        this.limits = limits;
        this.clock = clock;
    }

    /// Compares the touched keys while both sides are written. A table for which they are not known
    /// is compared as a whole. Does not count rows, so an equal verdict allows rows that were
    /// deleted without a trace; [#finish] finds them. May be repeated on its own result, to leave
    /// less for [#finish].
    public TouchedReport prepare(List<Table> tables, TouchedBasis basis, Limit limit) {
        Instant started = clock.instant();
        List<TouchedTable> touched = touched(tables);
        Optional<StartPosition> start = Optional.empty();
        try (DeadlineWatch watch = watch(limit);
                var _ = new KeptConnections(sources.chunker());
                LogHolds.Hold held = progress.holdLog()) {
            try {
                start =
                        new TouchedPreparation(context(watch, held), this::attempt, false)
                                .run(touched, basis, reconciler());
            } catch (Cancelled _) {
                touched.forEach(table -> table.undecided(watch.reason()));
            } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
                String why = ended(watch).orElseGet(() -> reason(e));
                touched.forEach(table -> table.undecided(why));
            }
        }
        List<TouchedReport.Table> reports =
                touched.stream().map(table -> table.report(since(basis))).toList();
        Verdict verdict = TouchedReport.verdict(reports);
        return new TouchedReport(
                verdict,
                started,
                clock.instant(),
                reports,
                verdict == Verdict.EQUAL
                        ? TouchedBasis.of(
                                started,
                                start.orElse(null),
                                reports.stream().map(TouchedReport.Table::report).toList())
                        : new TouchedBasis.Missing(
                                "the preparation did not find every table equal"),
                Optional.empty());
    }

    /// Compares the touched keys and the numbers of rows while both sides are written. A table for
    /// which the keys are not known, or of which only the numbers differ, is compared as a whole.
    /// May be repeated on its own result; each table that was not equal is compared as a whole
    /// then.
    ///
    /// @return a report with the method of each table, and without checksums of tables of which
    ///   only keys were compared
    public ReconciliationReport compare(List<Table> tables, TouchedBasis basis, Limit limit) {
        Instant started = clock.instant();
        List<TouchedTable> touched = touched(tables);
        Optional<StartPosition> start = Optional.empty();
        Optional<Lsn> first = Optional.empty();
        Optional<String> ended = Optional.empty();
        try (DeadlineWatch watch = watch(limit);
                var _ = new KeptConnections(sources.chunker());
                LogHolds.Hold held = progress.holdLog()) {
            ReconcileContext with = context(watch, held);
            try {
                start =
                        new TouchedPreparation(with, this::attempt, true)
                                .run(touched, basis, reconciler());
            } catch (Cancelled _) {
                ended = Optional.of(watch.reason());
                touched.forEach(table -> table.undecided(watch.reason()));
            } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
                ended = ended(watch);
                String why = ended.orElseGet(() -> reason(e));
                touched.forEach(table -> table.undecided(why));
            }
            first = with.sourceReader().firstLsn();
        }
        List<TouchedReport.Table> reports =
                touched.stream().map(table -> table.report(since(basis))).toList();
        return new ReconciliationReport(
                subject.migration(),
                ended.isPresent() ? Verdict.UNDECIDED : TouchedReport.verdict(reports),
                started,
                clock.instant(),
                first.map(Lsn::toString).orElse(null),
                subject.specHash(),
                reports.stream().map(TouchedReport.Table::named).toList(),
                ended.orElse(null),
                start.orElse(null));
    }

    /// Compares these keys alone, while both sides are written.
    ///
    /// @param keys as the target's columns print them
    /// @param method of the report
    public ReconciliationReport check(Map<Table, List<RowKey>> keys, String method, Limit limit) {
        Instant started = clock.instant();
        List<Table> tables = List.copyOf(keys.keySet());
        List<TouchedTable> touched = touched(tables);
        Optional<Lsn> first = Optional.empty();
        try (DeadlineWatch watch = watch(limit);
                LogHolds.Hold held = progress.holdLog()) {
            ReconcileContext with = context(watch, held);
            for (int i = 0; i < tables.size(); i++) {
                touched.get(i).addTargetKeys(keys.getOrDefault(tables.get(i), List.of()));
            }
            try {
                new TouchedPreparation(with, this::attempt, false).check(touched);
            } catch (Cancelled | ReadFailed | LogUnreadable | ReplicationUnavailable e) {
                String why = ended(watch).orElseGet(() -> reason(e));
                touched.forEach(table -> table.undecided(why));
            }
            first = with.sourceReader().firstLsn();
        }
        List<TableReport> reports =
                touched.stream().map(table -> table.builder().report().by(method)).toList();
        return new ReconciliationReport(
                subject.migration(),
                Verdict.of(reports),
                started,
                clock.instant(),
                first.map(Lsn::toString).orElse(null),
                subject.specHash(),
                reports,
                null,
                null);
    }

    /// Reads what [#finish] reads while both sides are written, so that [#finish] does nothing for
    /// the first time: classes are loaded, sessions are open, pages are in memory. What it finds is
    /// not a result, and a failure is left to the comparison that follows.
    public void rehearse(List<Table> tables, TouchedBasis.Usable basis, Limit limit) {
        try (DeadlineWatch watch = watch(limit);
                LogHolds.Hold held = progress.holdLog()) {
            FencedComparison.rehearse(touched(tables), basis, context(watch, held), this::attempt);
        } catch (Cancelled | ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            LOG.atInfo()
                    .addKeyValue("reason", Reason.of(e))
                    .log("The comparison under the fence could not be rehearsed.");
        }
    }

    /// Compares the touched keys and the numbers of rows while nobody writes the source. Emits no
    /// watermark unless something differs: then the differing keys are read again, so that a change
    /// in flight is not reported as a difference.
    ///
    /// @param basis of [#prepare], or of a report
    /// @param applied a watermark that was emitted after the last write of the source and that
    ///   every partition has stored
    public TouchedReport finish(
            List<Table> tables, TouchedBasis basis, WatermarkNumber applied, Limit limit) {
        Instant started = clock.instant();
        List<TouchedTable> touched = touched(tables);
        Optional<Servers> servers = Optional.empty();
        try (DeadlineWatch watch = watch(limit);
                LogHolds.Hold held = progress.holdLog()) {
            try {
                switch (basis) {
                    case TouchedBasis.Missing(String why) ->
                            touched.forEach(table -> table.obstruct(why));
                    case TouchedBasis.Usable usable ->
                            servers =
                                    new FencedComparison(
                                                    context(watch, held), this::attempt, applied)
                                            .run(touched, usable);
                }
            } catch (Cancelled _) {
                touched.forEach(table -> table.undecided(watch.reason()));
            } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
                String why = ended(watch).orElseGet(() -> reason(e));
                touched.forEach(table -> table.undecided(why));
            }
        }
        List<TouchedReport.Table> reports =
                touched.stream().map(table -> table.fencedReport(since(basis))).toList();
        return new TouchedReport(
                TouchedReport.verdict(reports),
                started,
                clock.instant(),
                reports,
                new TouchedBasis.Missing("a comparison under the fence is not a basis"),
                servers);
    }

    private List<TouchedTable> touched(List<Table> tables) {
        if (tables.isEmpty()) {
            throw new IllegalArgumentException("There is no table to compare.");
        }
        if (tables.stream().map(each -> each.mapping().target().table()).distinct().count()
                < tables.size()) {
            throw new IllegalArgumentException("A target table has several mappings.");
        }
        HashKey key = new HashKey();
        return tables.stream()
                .map(
                        each ->
                                new TouchedTable(
                                        each.mapping(),
                                        each.source(),
                                        key.of(each.mapping(), subject.sensitive()),
                                        limits.rows()))
                .toList();
    }

    private static Instant since(TouchedBasis basis) {
        return switch (basis) {
            case TouchedBasis.Usable usable -> usable.since();
            case TouchedBasis.Missing _ -> Instant.EPOCH;
        };
    }

    private Reconciler reconciler() {
        return new Reconciler(subject, progress, sources, limits, clock);
    }

    private DeadlineWatch watch(Limit limit) {
        return new DeadlineWatch(sources.chunker(), limit.cancellation(), clock, limit.deadline());
    }

    private ReconcileContext context(DeadlineWatch watch, LogHolds.Hold held) {
        return new ReconcileContext(
                sources.chunker(),
                new FencedSourceReader(
                        progress, sources.chunker(), limits, watch.cancellation(), clock),
                progress,
                sources.log(),
                held,
                limits,
                watch.cancellation());
    }

    private static Optional<String> ended(DeadlineWatch watch) {
        return watch.cancellation().isRequested() ? Optional.of(watch.reason()) : Optional.empty();
    }

    private static String reason(RuntimeException failure) {
        return Incident.reason(LOG, "A table could not be compared.", failure);
    }

    /// Keeps connections until it is closed. Opening them takes longer than reading a few keys.
    private record KeptConnections(Chunker chunker) implements AutoCloseable {

        KeptConnections {
            chunker.keepConnections();
        }

        @Override
        public void close() {
            chunker.releaseConnections();
        }
    }

    /// Does one step of a table's comparison.
    interface Attempt {
        /// @return empty when a side or the log could not be read; the table is undecided then
        <T> Optional<T> of(TouchedTable table, Supplier<T> step, Cancellation cancellation);
    }

    private <T> Optional<T> attempt(
            TouchedTable table, Supplier<T> step, Cancellation cancellation) {
        cancellation.check();
        Instant started = clock.instant();
        try {
            return Optional.of(step.get());
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            cancellation.check();
            table.undecided(reason(e));
            return Optional.empty();
        } finally {
            table.builder().took(Duration.between(started, clock.instant()));
        }
    }
}
