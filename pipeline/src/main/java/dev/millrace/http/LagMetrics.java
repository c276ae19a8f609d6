package dev.millrace.http;

import dev.millrace.lag.TopicLag;
import dev.millrace.migration.StatusReport;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The metrics of the lag of each stage and of the estimated ends. What is unknown has no sample.
/// The number of partitions is fixed, so the number of series is. Stateless.
final class LagMetrics {

    private LagMetrics() {}

    static void add(MetricSnapshots.Builder metrics, StatusReport.Lag lag) {
        MigrationMetrics.gauge(
                metrics,
                "millrace_lag_source_bytes",
                "Source lag: bytes of WAL that the source retains because they are not yet in"
                        + " Kafka",
                lag.sourceBytes());
        MigrationMetrics.gauge(
                metrics,
                "millrace_lag_records",
                "Log lag: changes in the log that are not applied to the target. A Kafka record"
                        + " contains many changes",
                lag.records());
        MigrationMetrics.gauge(
                metrics,
                "millrace_lag_end_to_end_seconds",
                "End-to-end lag: seconds since the last source transaction that the target has"
                        + " in full",
                lag.endToEndSeconds());
        MigrationMetrics.gauge(
                metrics,
                "millrace_slot_safe_wal_bytes",
                "Bytes of WAL that the source can still write before it may invalidate the"
                        + " replication slot. No sample without max_slot_wal_keep_size",
                lag.safeWalBytes());
        MigrationMetrics.gauge(
                metrics,
                "millrace_lag_source_seconds",
                "Source lag: seconds since the oldest change that the source may retain",
                lag.sourceSeconds());
        MigrationMetrics.gauge(
                metrics,
                "millrace_lag_capture_bytes",
                "Capture lag: bytes of WAL whose changes are not in the log",
                lag.captureBytes());
        MigrationMetrics.gauge(
                metrics,
                "millrace_lag_capture_seconds",
                "Capture lag: seconds since the last source transaction that the log has in full",
                lag.captureSeconds());
        Boolean active = lag.slotActive();
        MigrationMetrics.gauge(
                metrics,
                "millrace_slot_active",
                "1 if a session streams from the replication slot of the source, 0 otherwise",
                active == null ? null : active ? 1 : 0);
        byPartition(
                metrics,
                "millrace_lag_topic_records",
                "Topic lag: Kafka records that the reader of the topic has not read, as reported by the broker"
                        + ". A record is a block of many changes",
                lag.topics(),
                TopicLag.Partition::records);
        byPartition(
                metrics,
                "millrace_lag_topic_seconds",
                "Topic lag: age of the oldest Kafka record that the reader of the topic has not"
                        + " read",
                lag.topics(),
                TopicLag.Partition::seconds);
        byPartition(
                metrics,
                "millrace_topic_committed_offset",
                "Next offset that the reader of the topic reads",
                lag.topics(),
                TopicLag.Partition::committed);
    }

    static void add(MetricSnapshots.Builder metrics, StatusReport.@Nullable Eta eta) {
        if (eta == null) {
            return;
        }
        MigrationMetrics.gauge(
                metrics,
                "millrace_backfill_eta_seconds",
                "Seconds until all existing rows are in the log, at the present rate",
                eta.backfillSeconds());
        MigrationMetrics.gauge(
                metrics,
                "millrace_catch_up_eta_seconds",
                "Seconds until the target has caught up, at the present rate",
                eta.catchUpSeconds());
    }

    private static void byPartition(
            MetricSnapshots.Builder metrics,
            String name,
            String help,
            List<TopicLag> topics,
            Function<TopicLag.Partition, @Nullable Number> value) {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
        boolean isKnown = false;
        for (TopicLag topic : topics) {
            for (TopicLag.Partition partition : topic.partitions()) {
                Number known = value.apply(partition);
                if (known != null) {
                    isKnown = true;
                    gauge.dataPoint(
                            MigrationMetrics.point(
                                    Labels.of(
                                            "topic",
                                            topic.topic(),
                                            "partition",
                                            Integer.toString(partition.partition())),
                                    known.doubleValue()));
                }
            }
        }
        if (isKnown) {
            metrics.metricSnapshot(gauge.build());
        }
    }
}
