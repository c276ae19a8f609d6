package dev.millrace.http;

import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The status in Prometheus' words, read once per scrape. What isn't known has no sample: an absent
/// series can be alerted on, a zero can't. Any thread.
public final class MigrationMetrics implements MultiCollector {

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
        lag(metrics, status.lag());
        counts(metrics, status.counts());
        tables(metrics, status.tables());
        parts(metrics, status.parts());
        reconciliation(metrics, status.lastReconciliation());
    }

    private static void phase(MetricSnapshots.Builder metrics, StatusReport status) {
        metrics.metricSnapshot(
                GaugeSnapshot.builder()
                        .name("millrace_phase")
                        .help("1 for the phase that the migration is in")
                        .dataPoint(point(Labels.of("phase", status.phase()), 1))
                        .build());
        gauge(
                metrics,
                "millrace_generation",
                "The generation that owns the log and the stored offsets",
                status.generation());
    }

    private static void lag(MetricSnapshots.Builder metrics, StatusReport.Lag lag) {
        gauge(
                metrics,
                "millrace_lag_source_bytes",
                "WAL that the source keeps until Kafka has it",
                lag.sourceBytes());
        gauge(
                metrics,
                "millrace_lag_records",
                "Records of the log that are not yet applied",
                lag.records());
        gauge(
                metrics,
                "millrace_lag_end_to_end_seconds",
                "Age of the moment of the source up to which the target is complete",
                lag.endToEndSeconds());
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
                "Rows that were there before and are in the log",
                tables,
                table -> table.backfill().rowsDone());
        byTarget(
                metrics,
                "millrace_backfill_rows_estimated",
                "Rows that were there before, by the source's statistics",
                tables,
                table -> table.backfill().rowsEstimated());
        byTarget(
                metrics,
                "millrace_rejected",
                "Changes that were not applied because their table is stopped",
                tables,
                StatusReport.Table::rejected);
        byTarget(
                metrics,
                "millrace_table_stopped",
                "1 for a target table that is stopped, 0 for the others",
                tables,
                table -> table.stopped() == null ? 0L : 1L);
    }

    private static void parts(MetricSnapshots.Builder metrics, List<StatusReport.Part> parts) {
        GaugeSnapshot.Builder wells =
                GaugeSnapshot.builder()
                        .name("millrace_part_well")
                        .help("1 for a moving part that is well, 0 for one that needs a look");
        parts.forEach(
                part ->
                        wells.dataPoint(
                                point(Labels.of("part", part.name()), part.well() ? 1 : 0)));
        metrics.metricSnapshot(wells.build());
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
                                "1 for the verdict of the last reconciliation of all tables, or of a"
                                        + " later one that found some of them different; 0 for the others");
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
                "When the last reconciliation of all tables finished",
                last.allTablesAt() == null ? null : last.allTablesAt().toEpochMilli() / 1000.0);
    }

    private static void gauge(
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

    private static GaugeDataPointSnapshot point(Labels labels, double value) {
        return GaugeDataPointSnapshot.builder().labels(labels).value(value).build();
    }
}
