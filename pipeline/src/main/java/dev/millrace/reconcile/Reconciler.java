package dev.millrace.reconcile;

import dev.millrace.change.Lsn;
import dev.millrace.digest.Chunker;
import dev.millrace.digest.ComparedTables;
import dev.millrace.digest.ReadFailed;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.lifecycle.Incident;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.Cancellation.Cancelled;
import dev.millrace.reconcile.GroupReconciliation.Member;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.retention.LogHolds;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    private final ReconcileLimits limits;
    private final InstantSource clock;

    /// What is compared, for the report.
    public record Subject(String migration, String specHash) {}

    /// The rows of both sides, and the log.
    public record Sources(Chunker chunker, ChangeLog log) {}

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
        this.limits = limits;
        this.clock = clock;
    }

    /// Compares small tables in groups and large ones one after another.
    ///
    /// @param cancellation cancels the reconciliation; the report is then undecided, with this
    ///   reason, and contains what was found so far
    public ReconciliationReport reconcile(List<Mapping> tables, Cancellation cancellation) {
        if (tables.isEmpty()) {
            throw new IllegalArgumentException("There is no table to reconcile.");
        }
        Instant started = clock.instant();
        FencedSourceReader sourceReader =
                new FencedSourceReader(progress, chunker, limits, cancellation, clock);
        Map<Mapping, TableReportBuilder> builders = new LinkedHashMap<>();
        tables.forEach(table -> builders.put(table, new TableReportBuilder(table.target())));
        Optional<String> reason = Optional.empty();
        Optional<Servers> before = Optional.empty();
        try (LogHolds.Hold held = progress.holdLog()) {
            cancellation.check();
            before = Servers.read(chunker, tables);
            reconcile(
                    builders,
                    new ReconcileContext(
                            chunker, sourceReader, progress, log, held, limits, cancellation));
        } catch (Cancelled e) {
            reason = Optional.of(ReconciliationReport.CANCELLED);
            builders.values().forEach(TableReportBuilder::cancelled);
        }
        List<TableReport> reports = builders.values().stream().map(this::report).toList();
        return new ReconciliationReport(
                subject.migration(),
                reason.isPresent() ? Verdict.UNDECIDED : Verdict.of(reports),
                started,
                clock.instant(),
                sourceReader.firstLsn().map(Lsn::toString).orElse(null),
                subject.specHash(),
                reports,
                reason.orElse(null),
                before.flatMap(sourceReader::start).orElse(null));
    }

    private void reconcile(Map<Mapping, TableReportBuilder> builders, ReconcileContext with) {
        List<Member> members = new ArrayList<>();
        try {
            ComparedTables compared = chunker.tables(builders.keySet());
            builders.forEach(
                    (mapping, builder) -> {
                        try {
                            members.add(new Member(compared.table(mapping), builder));
                        } catch (ReadFailed e) {
                            builder.undecided(
                                    0, Incident.reason(LOG, "A table could not be compared.", e));
                        }
                    });
        } catch (ReadFailed e) {
            with.cancellation().check();
            builders.values()
                    .forEach(
                            builder ->
                                    builder.undecided(
                                            0,
                                            Incident.reason(
                                                    LOG, "A table could not be compared.", e)));
        }
        for (List<Member> group : GroupReconciliation.groups(members)) {
            new GroupReconciliation(with, clock, group).run();
            group.forEach(member -> member.builder().finished());
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
