package dev.millrace.reconcile;

import dev.millrace.change.Lsn;
import dev.millrace.chunk.Chunker;
import dev.millrace.chunk.ReadFailed;
import dev.millrace.fault.Incident;
import dev.millrace.log.ChangeLog;
import dev.millrace.log.LogUnreadable;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.select.Mapping;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Compares target tables with what the user's own SELECTs give on the source, while both are
/// written to. It reads and never writes, except watermarks by its [Road]. A table that can't be
/// read is undecided, with the reason, and the others go on. One reconciliation at a time per
/// object.
public final class Reconciler {

    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);

    private final Subject subject;
    private final Road road;
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
            Road road,
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

    /// Tables one after another, in the order given.
    public ReconciliationReport reconcile(List<Mapping> tables) {
        if (tables.isEmpty()) {
            throw new IllegalArgumentException("there is no table to reconcile");
        }
        Instant started = clock.instant();
        Lookout lookout = new Lookout(road, chunker);
        Instruments with = new Instruments(chunker, lookout, log, limits, clock);
        List<TableReport> reports = new ArrayList<>();
        for (Mapping table : tables) {
            reports.add(reconcile(table, with));
        }
        return new ReconciliationReport(
                subject.migration(),
                Verdict.of(reports),
                started,
                clock.instant(),
                lookout.firstLsn().map(Lsn::toString).orElse(null),
                subject.specHash(),
                reports);
    }

    private TableReport reconcile(Mapping table, Instruments with) {
        Instant started = clock.instant();
        Tally tally = new Tally(table.target());
        try {
            new TableReconciliation(with, chunker.table(table), tally).run();
        } catch (ReadFailed | LogUnreadable | RoadBlocked e) {
            tally.forgetRows();
            tally.undecided(0, Incident.reason(LOG, "a table could not be compared", e));
        }
        Duration took = Duration.between(started, clock.instant());
        TableReport report = tally.report(took.toMillis() / 1000.0);
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
