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
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Compares target tables with what the user's own SELECTs give on the source, while both are
/// written to. It reads and never writes, except watermarks by its [ReplicationProgress]. A table
/// that can't be read is undecided, with the reason, and the others go on. One reconciliation at a
/// time per object.
public final class Reconciler {

    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);

    private final Subject subject;
    private final ReplicationProgress road;
    private final Chunker chunker;
    private final ChangeLog log;
    private final ReconcileLimits limits;
    private final InstantSource clock;

    /// What is judged: named in the report.
    public record Subject(String migration, String specHash) {}

    /// Where it is read: rows of either side, and the log.
    public record Sources(Chunker chunker, ChangeLog log) {}

    public Reconciler(
            Subject subject,
            ReplicationProgress road,
            Sources sources,
            ReconcileLimits limits,
            InstantSource clock) {
        this.subject = subject;
        this.road = road;
        this.chunker = sources.chunker();
        this.log = sources.log();
        this.limits = limits;
        this.clock = clock;
    }

    /// Small tables share a look at the source; the others come one after another.
    ///
    /// @param cancellation ends it; the report is undecided then, with that reason, and says what
    ///   was found so far
    public ReconciliationReport reconcile(List<Mapping> tables, Cancellation cancellation) {
        if (tables.isEmpty()) {
            throw new IllegalArgumentException("there is no table to reconcile");
        }
        Instant started = clock.instant();
        FencedSourceReader lookout =
                new FencedSourceReader(road, chunker, limits, cancellation, clock);
        ReconcileContext with =
                new ReconcileContext(chunker, lookout, road, log, limits, cancellation);
        Map<Mapping, TableReportBuilder> tallies = new LinkedHashMap<>();
        tables.forEach(table -> tallies.put(table, new TableReportBuilder(table.target())));
        Optional<String> reason = Optional.empty();
        try {
            cancellation.check();
            reconcile(tallies, with);
        } catch (Cancelled e) {
            reason = Optional.of(ReconciliationReport.CANCELLED);
            tallies.values().forEach(TableReportBuilder::cancelled);
        }
        List<TableReport> reports = tallies.values().stream().map(this::report).toList();
        return new ReconciliationReport(
                subject.migration(),
                reason.isPresent() ? Verdict.UNDECIDED : Verdict.of(reports),
                started,
                clock.instant(),
                lookout.firstLsn().map(Lsn::toString).orElse(null),
                subject.specHash(),
                reports,
                reason.orElse(null));
    }

    private void reconcile(Map<Mapping, TableReportBuilder> tallies, ReconcileContext with) {
        List<Member> members = new ArrayList<>();
        try {
            ComparedTables compared = chunker.tables(tallies.keySet());
            tallies.forEach(
                    (mapping, tally) -> {
                        try {
                            members.add(new Member(compared.table(mapping), tally));
                        } catch (ReadFailed e) {
                            tally.undecided(
                                    0, Incident.reason(LOG, "a table could not be compared", e));
                        }
                    });
        } catch (ReadFailed e) {
            with.cancellation().check();
            tallies.values()
                    .forEach(
                            tally ->
                                    tally.undecided(
                                            0,
                                            Incident.reason(
                                                    LOG, "a table could not be compared", e)));
        }
        for (List<Member> group : GroupReconciliation.groups(members)) {
            new GroupReconciliation(with, clock, group).run();
            group.forEach(member -> member.tally().finished());
        }
    }

    private TableReport report(TableReportBuilder tally) {
        TableReport report = tally.report();
        LOG.atInfo()
                .addKeyValue("migration", subject.migration())
                .addKeyValue("table", report.target())
                .addKeyValue("verdict", report.verdict())
                .addKeyValue("differences", report.differences())
                .addKeyValue("seconds", report.seconds())
                .log("table reconciled");
        return report;
    }
}
