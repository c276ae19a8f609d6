package dev.millrace.reconcile.pass;

import dev.millrace.change.Lsn;
import dev.millrace.change.RowKey;
import dev.millrace.digest.Chunker;
import dev.millrace.digest.ComparedTables;
import dev.millrace.digest.ReadFailed;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.lifecycle.Incident;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.Cancellation.Cancelled;
import dev.millrace.reconcile.ComparisonProgress;
import dev.millrace.reconcile.DifferenceCauses;
import dev.millrace.reconcile.FencedSourceReader;
import dev.millrace.reconcile.KeyVerifier;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.ReplicationProgress.ReplicationUnavailable;
import dev.millrace.reconcile.SensitiveColumns;
import dev.millrace.reconcile.ShownValues.HashKey;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.reconcile.Suspect;
import dev.millrace.reconcile.TableReportBuilder;
import dev.millrace.reconcile.TableReportBuilder.Differences;
import dev.millrace.reconcile.pass.GroupReconciliation.Member;
import dev.millrace.reconcile.pass.PassProgress.Begun;
import dev.millrace.reconcile.pass.TablePass.Setup;
import dev.millrace.retention.LogHolds;
import dev.millrace.spec.SpecResult;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Compares target tables with what the user's own SELECTs give on the source, while both sides are
/// written. It only reads, except for the watermarks that its [ReplicationProgress] emits. A table
/// that cannot be read is undecided, with the reason; the others continue. Not thread-safe; one
/// reconciliation at a time.
public final class Reconciler {

    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);

    private final Subject subject;
    private final ReplicationProgress progress;
    private final Chunker chunker;
    private final ChangeLog log;
    private final ComparisonProgress counted;
    private final ReconcileLimits limits;
    private final InstantSource clock;

    /// What is compared, for the report.
    public record Subject(String migration, String specHash, SensitiveColumns sensitive) {

        public static Subject forward(String migration, SpecResult.Valid file) {
            return new Subject(
                    migration,
                    file.hash(),
                    SensitiveColumns.ofTargets(file.spec().sensitive().tables()));
        }

        /// For the stream back to the source.
        public static Subject back(String migration, SpecResult.Valid file) {
            return new Subject(
                    migration,
                    file.hash(),
                    SensitiveColumns.ofSources(file.spec().sensitive().tables()));
        }
    }

    /// The rows of both sides, and the log.
    ///
    /// @param counted counts what was compared of them
    public record Sources(Chunker chunker, ChangeLog log, ComparisonProgress counted) {

        /// Sources of which nobody reads the progress.
        public Sources(Chunker chunker, ChangeLog log) {
            this(chunker, log, new ComparisonProgress());
        }
    }

    public Reconciler(
            Subject subject,
            ReplicationProgress progress,
            Sources sources,
            ReconcileLimits limits,
            InstantSource clock) {
        this.subject = subject;
        this.progress = progress;
        this.chunker = sources.chunker();
        this.log = sources.log();
        this.counted = sources.counted();
        this.limits = limits;
        this.clock = clock;
    }

    /// Compares small tables in groups and large ones in chunks.
    ///
    /// @param cancellation cancels the reconciliation; the report is then undecided, with this
    ///   reason, and contains what was found so far
    public ReconciliationReport reconcile(List<Mapping> tables, Cancellation cancellation) {
        return reconcile(tables, PassProgress.NONE, cancellation);
    }

    /// The same, or the rest of a pass that was interrupted.
    public ReconciliationReport reconcile(
            List<Mapping> tables, PassProgress stored, Cancellation cancellation) {
        return reconcile(tables, stored, cancellation, Optional.empty());
    }

    /// The same, for all keys that differ. The report has no causes, for which the whole log would
    /// have to be read.
    ///
    /// @param found receives the keys of one table
    public ReconciliationReport find(
            List<Mapping> tables, Cancellation cancellation, Function<Mapping, Differences> found) {
        return reconcile(tables, PassProgress.NONE, cancellation, Optional.of(found));
    }

    /// Compares single keys of one table.
    ///
    /// @param found receives those that differ
    public TableReport compare(
            Mapping mapping, List<RowKey> keys, Cancellation cancellation, Differences found) {
        TableReportBuilder builder =
                new TableReportBuilder(
                        mapping.target(), new HashKey().of(mapping, subject.sensitive()), found);
        FencedSourceReader sourceReader =
                new FencedSourceReader(progress, chunker, limits, cancellation, clock);
        try (LogHolds.Hold held = progress.holdLog()) {
            ReconcileContext with =
                    new ReconcileContext(
                            chunker, sourceReader, progress, log, held, limits, cancellation);
            new KeyVerifier(with, chunker.table(mapping), builder)
                    .verify(
                            keys.stream()
                                    .map(key -> new Suspect(key, RowSum.NONE, RowSum.NONE))
                                    .toList());
            builder.finished();
        } catch (Cancelled _) {
            builder.cancelled();
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            builder.undecided(keys.size(), Incident.reason(LOG, "Keys could not be compared.", e));
        }
        return builder.report();
    }

    private ReconciliationReport reconcile(
            List<Mapping> tables,
            PassProgress stored,
            Cancellation cancellation,
            Optional<Function<Mapping, Differences>> found) {
        if (tables.isEmpty()) {
            throw new IllegalArgumentException("There is no table to reconcile.");
        }
        Instant now = clock.instant();
        FencedSourceReader sourceReader =
                new FencedSourceReader(progress, chunker, limits, cancellation, clock);
        Map<Mapping, TableReportBuilder> builders = new LinkedHashMap<>();
        HashKey key = new HashKey();
        for (Mapping table : tables) {
            Differences differences =
                    found.map(each -> each.apply(table)).orElse(Differences.IGNORED);
            builders.put(
                    table,
                    new TableReportBuilder(
                            table.target(),
                            key.of(table, subject.sensitive()),
                            differences,
                            counted));
        }
        Optional<String> reason = Optional.empty();
        Optional<Begun> begun = Optional.empty();
        try (LogHolds.Hold held = progress.holdLog()) {
            cancellation.check();
            begun =
                    Servers.read(chunker, tables)
                            .map(servers -> stored.begin(now, servers, tables));
            Optional<Begun> since = begun;
            ReconcileContext with =
                    new ReconcileContext(
                            chunker, sourceReader, progress, log, held, limits, cancellation);
            List<Member> members =
                    reconcile(
                            builders,
                            with,
                            stored,
                            () -> since.flatMap(each -> start(each, sourceReader)));
            if (found.isEmpty()) {
                members.forEach(member -> explain(member, with));
            }
        } catch (Cancelled e) {
            reason = Optional.of(ReconciliationReport.CANCELLED);
            builders.values().forEach(TableReportBuilder::cancelled);
        }
        if (reason.isEmpty() && builders.values().stream().anyMatch(TableReportBuilder::mayPass)) {
            stored.interrupted();
        }
        List<TableReport> reports = builders.values().stream().map(this::report).toList();
        return new ReconciliationReport(
                subject.migration(),
                reason.isPresent() ? Verdict.UNDECIDED : Verdict.of(reports),
                begun.map(Begun::startedAt).orElse(now),
                clock.instant(),
                sourceReader.firstLsn().map(Lsn::toString).orElse(null),
                subject.specHash(),
                reports,
                reason.orElse(null),
                begun.flatMap(each -> start(each, sourceReader)).orElse(null));
    }

    /// Where the first read was; that of an interrupted pass, if this is the rest of one.
    private static Optional<StartPosition> start(Begun begun, FencedSourceReader sourceReader) {
        return begun.continued() ? begun.start() : sourceReader.start(begun.servers());
    }

    /// @return the tables that could be read
    private List<Member> reconcile(
            Map<Mapping, TableReportBuilder> builders,
            ReconcileContext with,
            PassProgress stored,
            Supplier<Optional<StartPosition>> start) {
        List<Member> members = new ArrayList<>();
        try {
            ComparedTables compared = chunker.tables(builders.keySet());
            builders.forEach(
                    (mapping, builder) -> {
                        try {
                            members.add(new Member(compared.table(mapping), builder));
                        } catch (ReadFailed e) {
                            builder.failed(
                                    e, Incident.reason(LOG, "A table could not be compared.", e));
                        }
                    });
        } catch (ReadFailed e) {
            with.cancellation().check();
            builders.values()
                    .forEach(
                            builder ->
                                    builder.failed(
                                            e,
                                            Incident.reason(
                                                    LOG, "A table could not be compared.", e)));
        }
        counted.planned(
                members.size(),
                members.stream().mapToLong(member -> member.table().estimatedRows()).sum());
        int parallel = with.limits().chunks().parallel();
        chunker.keepConnections();
        try (ExecutorService threads =
                Executors.newFixedThreadPool(
                        parallel,
                        Thread.ofPlatform().daemon(true).name("reconcile-", 1).factory())) {
            List<Member> large = new ArrayList<>();
            List<Member> others = new ArrayList<>();
            for (Member member : members) {
                boolean isLarge = ChunkPlan.isFor(with.limits().chunks(), member.table());
                (isLarge ? large : others).add(member);
            }
            compareGroups(GroupReconciliation.groups(others), with, threads);
            Setup setup = new Setup(with, threads, stored, start, clock);
            for (Member member : large) {
                if (new TablePass(setup, member.table(), member.builder()).run()) {
                    member.builder().finished();
                } else {
                    compareGroups(List.of(List.of(member)), with, threads);
                }
            }
        } finally {
            chunker.releaseConnections();
        }
        return members;
    }

    /// The verdict does not depend on it: every table is decided, also if it is cancelled.
    private static void explain(Member member, ReconcileContext with) {
        try {
            new DifferenceCauses(with, member.table(), member.builder()).explain();
        } catch (Cancelled | ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            if (with.cancellation().isRequested()) {
                return;
            }
            LOG.atWarn()
                    .addKeyValue("table", member.table().mapping().target().table())
                    .addKeyValue(
                            "reason",
                            Incident.reason(LOG, "Differences could not be explained.", e))
                    .log("The causes of differences could not be found in the log.");
        }
    }

    /// Several groups at a time.
    private void compareGroups(
            List<List<Member>> groups, ReconcileContext with, ExecutorService threads) {
        ReentrantLock rows = new ReentrantLock();
        List<Future<?>> running = new ArrayList<>();
        for (List<Member> group : groups) {
            running.add(
                    threads.submit(
                            () -> {
                                new GroupReconciliation(with, clock, group, rows).run();
                                group.forEach(member -> member.builder().finished());
                            }));
        }
        for (Future<?> group : running) {
            Cancellation.result(group);
        }
    }

    private TableReport report(TableReportBuilder builder) {
        TableReport report = builder.report();
        LOG.atInfo()
                .addKeyValue("migration", subject.migration())
                .addKeyValue("table", report.target())
                .addKeyValue("verdict", report.verdict())
                .addKeyValue("differences", report.differences())
                .addKeyValue("seconds", report.seconds())
                .log("A table was reconciled.");
        return report;
    }
}
