package dev.millrace.http;

import dev.millrace.rollback.RollbackPrice;
import dev.millrace.rollback.RollbackPrice.LossyTable;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Exports what a rollback would cost, while one is possible. An unknown value has no sample.
final class RollbackMetrics {

    private RollbackMetrics() {}

    static void add(MetricSnapshots.Builder metrics, RollbackPrice price) {
        MigrationMetrics.gauge(
                metrics,
                "millrace_reverse_rows_applied",
                "Changes of the target that were applied to the source since the switchover",
                price.rowsApplied());
        MigrationMetrics.gauge(
                metrics,
                "millrace_reverse_lag_wal_bytes",
                "Lag of the way back: bytes of WAL that the target retains because they are not"
                        + " yet in Kafka",
                price.lag().walBytes());
        MigrationMetrics.gauge(
                metrics,
                "millrace_reverse_lag_records",
                "Lag of the way back: changes in the log that are not applied to the source",
                price.lag().records());
        MigrationMetrics.gauge(
                metrics,
                "millrace_reverse_lag_end_to_end_seconds",
                "Lag of the way back: seconds since the last target transaction that the source"
                        + " has in full",
                price.lag().endToEndSeconds());
        MigrationMetrics.gauge(
                metrics,
                "millrace_reverse_slot_safe_wal_bytes",
                "Bytes of WAL that the target can still write before it may invalidate the"
                        + " replication slot of the way back. No sample without"
                        + " max_slot_wal_keep_size",
                price.lag().safeWalBytes());
        MigrationMetrics.gauge(
                metrics,
                "millrace_rollback_seconds",
                "Estimate of the seconds for which writes would wait in a rollback",
                price.seconds());
        MigrationMetrics.gauge(
                metrics,
                "millrace_switchover_finished_timestamp_seconds",
                "Time at which the switchover was done",
                timestamp(price.switchedAt()));
        MigrationMetrics.gauge(
                metrics,
                "millrace_reverse_window_ends_timestamp_seconds",
                "Time until which the way back is meant to be kept",
                timestamp(price.windowEndsAt()));
        lossy(metrics, price.lossy());
    }

    private static void lossy(MetricSnapshots.Builder metrics, List<LossyTable> tables) {
        GaugeSnapshot.Builder gauge =
                GaugeSnapshot.builder()
                        .name("millrace_reverse_lossy_rows_applied")
                        .help(
                                "Changes applied to a source table of which some columns do not come"
                                        + " back exactly, since the switchover or the start of the"
                                        + " service");
        for (LossyTable table : tables) {
            Long rows = table.rowsApplied();
            if (rows != null) {
                gauge.dataPoint(MigrationMetrics.point(Labels.of("source", table.table()), rows));
            }
        }
        metrics.metricSnapshot(gauge.build());
    }

    private static @Nullable Number timestamp(@Nullable Instant at) {
        return at == null ? null : at.toEpochMilli() / 1000.0;
    }
}
