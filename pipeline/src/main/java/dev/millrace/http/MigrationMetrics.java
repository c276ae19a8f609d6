package dev.millrace.http;

import dev.millrace.flow.FlowReport;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import dev.millrace.rollback.RollbackPrice;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Exports the status as Prometheus metrics. Each scrape reads the status once. An unknown value
/// has no sample: an alert can detect an absent series but not a wrong zero. Thread-safe.
public final class MigrationMetrics implements MultiCollector {

    /// Only the packaged program has a version.
    private static final String VERSION =
            Objects.requireNonNullElse(
                    MigrationMetrics.class.getPackage().getImplementationVersion(), "development");

    private static final List<String> VERDICTS = List.of("equal", "different", "undecided");

    private final Supplier<Optional<MigrationControl>> control;

    public MigrationMetrics(Supplier<Optional<MigrationControl>> control) {
        this.control = control;
    }

    @Override
    public MetricSnapshots collect() {
        MetricSnapshots.Builder metrics = MetricSnapshots.builder();
        control.get().map(MigrationControl::status).ifPresent(status -> add(metrics, status));
        return metrics.build();
    }

    private static void add(MetricSnapshots.Builder metrics, StatusReport status) {
        phase(metrics, status);
        LagMetrics.add(metrics, status.lag());
        LagMetrics.add(metrics, status.eta());
        log(metrics, status.log());
        backfill(metrics, status.backfill());
        FlowReport.Apply apply = status.apply();
        gauge(
                metrics,
                "millrace_apply_paused",
                "Apply paused by an operator or a stop condition: 1 if it is paused, 0 otherwise",
                apply == null ? null : apply.paused() ? 1 : 0);
        conditions(metrics, status.stopWhen());
        wal(metrics, status.wal());
        counts(metrics, status.counts());
        tables(metrics, status.tables());
        parts(metrics, status.parts());
        reconciliation(metrics, status.lastReconciliation());
        StatusReport.ForeignWrites foreign = status.foreignWrites();
        gauge(
                metrics,
                "millrace_target_foreign_rows",
                "Rows of the target that another program wrote and that differ from the source, until"
                        + " a reconciliation finds all tables equal",
                foreign == null ? 0 : foreign.rows());
        StatusReport.Journal journal = status.journal();
        gauge(
                metrics,
                "millrace_journal_broken",
                "1 if an entry of the journal was changed, removed, inserted or moved",
                journal == null ? null : journal.broken() ? 1 : 0);
        ServerMetrics.add(metrics, status.servers());
        ServerMetrics.addCertificates(metrics, status.certificates());
        RollbackPrice rollback = status.rollback();
        if (rollback != null) {
            RollbackMetrics.add(metrics, rollback);
        }
    }

    private static void phase(MetricSnapshots.Builder metrics, StatusReport status) {
        metrics.metricSnapshot(
                GaugeSnapshot.builder()
                        .name("millrace_phase")
                        .help("Phase of the migration: 1 for the current phase")
                        .dataPoint(point(Labels.of("phase", status.phase()), 1))
                        .build());
        metrics.metricSnapshot(
                GaugeSnapshot.builder()
                        .name("millrace_traffic")
                        .help(
                                "Side on which the application writes, by the phase: source, target,"
                                        + " or unknown while an operation moves it")
                        .dataPoint(point(Labels.of("side", traffic(status.phase())), 1))
                        .build());
        metrics.metricSnapshot(
                InfoSnapshot.builder()
                        .name("millrace")
                        .help("The migration and the version of the service")
                        .dataPoint(
                                InfoDataPointSnapshot.builder()
                                        .labels(
                                                Labels.of(
                                                        "migration",
                                                        status.migration(),
                                                        "version",
                                                        VERSION))
                                        .build())
                        .build());
        gauge(
                metrics,
                "millrace_rebackfill_required",
                "Lost position on the source: 1 if rows must be read again before the migration"
                        + " continues, 0 otherwise",
                status.rebackfill() == null || status.rebackfill().required() == null ? 0 : 1);
        gauge(
                metrics,
                "millrace_generation",
                "Generation that owns the log and the stored offsets",
                status.generation());
    }

    private static void log(MetricSnapshots.Builder metrics, StatusReport.@Nullable Log log) {
        if (log == null || log.changesBytes() == null || log.targetBytes() == null) {
            return;
        }
        metrics.metricSnapshot(
                GaugeSnapshot.builder()
                        .name("millrace_log_bytes")
                        .help(
                                "Disk use of the log's topics on all brokers, replicas included,"
                                        + " in bytes")
                        .dataPoint(point(Labels.of("topic", "changes"), log.changesBytes()))
                        .dataPoint(point(Labels.of("topic", "target"), log.targetBytes()))
                        .build());
    }

    private static void backfill(
            MetricSnapshots.Builder metrics, FlowReport.@Nullable Backfill backfill) {
        gauge(
                metrics,
                "millrace_backfill_paused",
                "Backfill paused by an operator or a stop condition: 1 if it is paused, 0 otherwise",
                backfill == null ? null : backfill.paused() ? 1 : 0);
    }

    private static void wal(MetricSnapshots.Builder metrics, FlowReport.@Nullable Wal wal) {
        if (wal == null) {
            return;
        }
        gauge(
                metrics,
                "millrace_wal_retained_bytes",
                "Bytes of WAL that the source retains for the replication slot",
                wal.retainedBytes());
        gauge(
                metrics,
                "millrace_wal_budget_bytes",
                "Bytes of WAL that the source may retain: wal-budget or max_slot_wal_keep_size. No"
                        + " sample without both",
                wal.budgetBytes());
        gauge(
                metrics,
                "millrace_wal_growth_bytes_per_second",
                "Growth of the retained WAL in the last minute, in bytes per second; negative while"
                        + " it shrinks",
                wal.bytesPerSecond());
    }

    private static void conditions(
            MetricSnapshots.Builder metrics, List<FlowReport.Condition> conditions) {
        GaugeSnapshot.Builder held =
                GaugeSnapshot.builder()
                        .name("millrace_stop_condition_held")
                        .help(
                                "Stop condition: 1 if it holds the flow or the switchover, 0"
                                        + " otherwise");
        GaugeSnapshot.Builder ratio =
                GaugeSnapshot.builder()
                        .name("millrace_stop_condition_ratio")
                        .help(
                                "Value of a stop condition as a part of its limit: 1 is the limit."
                                        + " No sample while the value is unknown");
        for (FlowReport.Condition condition : conditions) {
            Labels labels = Labels.of("condition", condition.name());
            held.dataPoint(point(labels, condition.state().equals("held") ? 1 : 0));
            if (condition.share() != null) {
                ratio.dataPoint(point(labels, condition.share()));
            }
        }
        metrics.metricSnapshot(held.build());
        metrics.metricSnapshot(ratio.build());
    }

    private static void counts(MetricSnapshots.Builder metrics, StatusReport.Counts counts) {
        counter(metrics, "millrace_events", "Changes written to the log", counts.events());
        counter(metrics, "millrace_rows_applied", "Rows applied to the target", counts.rows());
        counter(metrics, "millrace_batches", "Transactions on the target", counts.batches());
    }

    private static void tables(MetricSnapshots.Builder metrics, List<StatusReport.Table> tables) {
        byTarget(
                metrics,
                "millrace_backfill_rows",
                "Rows read by the backfill and written to the log",
                tables,
                table -> table.backfill().rowsDone());
        byTarget(
                metrics,
                "millrace_backfill_rows_estimated",
                "Rows to backfill, estimated from the source's statistics",
                tables,
                table -> table.backfill().rowsEstimated());
        byTarget(
                metrics,
                "millrace_rejected",
                "Changes not applied because their target table is stopped or their key waits",
                tables,
                StatusReport.Table::rejected);
        byTarget(
                metrics,
                "millrace_rejected_keys",
                "Keys whose changes wait for an operator",
                tables,
                StatusReport.Table::rejectedKeys);
        byTarget(
                metrics,
                "millrace_held_keys",
                "Held keys: another row is in the way; tried again automatically",
                tables,
                StatusReport.Table::heldKeys);
        byTarget(
                metrics,
                "millrace_table_stopped",
                "Target table stopped: 1 if the table is stopped, 0 otherwise",
                tables,
                table -> table.stopped() == null ? 0L : 1L);
    }

    private static void parts(MetricSnapshots.Builder metrics, List<StatusReport.Part> parts) {
        GaugeSnapshot.Builder healthy =
                GaugeSnapshot.builder()
                        .name("millrace_part_well")
                        .help(
                                "Component health: 1 if the component works, 0 if it needs"
                                        + " attention");
        parts.forEach(
                part ->
                        healthy.dataPoint(
                                point(Labels.of("part", part.name()), part.well() ? 1 : 0)));
        metrics.metricSnapshot(healthy.build());
    }

    private static void reconciliation(
            MetricSnapshots.Builder metrics, StatusReport.@Nullable LastReconciliation last) {
        if (last == null) {
            return;
        }
        GaugeSnapshot.Builder verdicts =
                GaugeSnapshot.builder()
                        .name("millrace_reconciliation_verdict")
                        .help(
                                "Verdict of the last reconciliation of all tables, or of a later"
                                        + " partial one that found differences: 1 for this verdict, 0"
                                        + " for the others");
        VERDICTS.forEach(
                verdict ->
                        verdicts.dataPoint(
                                point(
                                        Labels.of("verdict", verdict),
                                        verdict.equals(last.verdict()) ? 1 : 0)));
        metrics.metricSnapshot(verdicts.build());
        gauge(
                metrics,
                "millrace_reconciliation_finished_timestamp_seconds",
                "Time at which the last reconciliation of all tables finished",
                last.allTablesAt() == null ? null : last.allTablesAt().toEpochMilli() / 1000.0);
    }

    private static String traffic(String phase) {
        return switch (phase) {
            case "SWITCHING_OVER", "UNRESOLVED" -> "unknown";
            case "REVERSIBLE", "COMPLETED" -> "target";
            default -> "source";
        };
    }

    static void gauge(
            MetricSnapshots.Builder metrics, String name, String help, @Nullable Number value) {
        if (value != null) {
            metrics.metricSnapshot(
                    GaugeSnapshot.builder()
                            .name(name)
                            .help(help)
                            .dataPoint(point(Labels.EMPTY, value.doubleValue()))
                            .build());
        }
    }

    private static void counter(
            MetricSnapshots.Builder metrics, String name, String help, long value) {
        metrics.metricSnapshot(
                CounterSnapshot.builder()
                        .name(name)
                        .help(help)
                        .dataPoint(CounterDataPointSnapshot.builder().value((double) value).build())
                        .build());
    }

    private static void byTarget(
            MetricSnapshots.Builder metrics,
            String name,
            String help,
            List<StatusReport.Table> tables,
            Function<StatusReport.Table, @Nullable Long> value) {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
        for (StatusReport.Table table : tables) {
            Long known = value.apply(table);
            if (known != null) {
                gauge.dataPoint(point(Labels.of("target", table.target()), known.doubleValue()));
            }
        }
        metrics.metricSnapshot(gauge.build());
    }

    static GaugeDataPointSnapshot point(Labels labels, double value) {
        return GaugeDataPointSnapshot.builder().labels(labels).value(value).build();
    }
}
