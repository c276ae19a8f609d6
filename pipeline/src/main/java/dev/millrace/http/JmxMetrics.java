package dev.millrace.http;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import javax.management.AttributeNotFoundException;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.JMRuntimeException;
import javax.management.MBeanServer;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Exports what Kafka's clients, Kafka Streams and Debezium measure of themselves, in base units. A
/// list says what is exported, so that no topic, partition or thread becomes a label. A value that
/// is not known has no sample. Thread-safe.
public final class JmxMetrics implements MultiCollector {

    private static final Logger LOG = LoggerFactory.getLogger(JmxMetrics.class);

    /// The part of a client's or thread's name that differs at each start.
    private static final Pattern CHANGING =
            Pattern.compile(
                    "-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|-StreamThread|-\\d+(?=-|$)");

    private static final double MILLIS = 0.001;

    /// One attribute of several beans.
    ///
    /// @param name the metric's; a name that ends in `_total` is a counter
    /// @param beans the pattern of the beans' names
    /// @param key the property of the beans' names that becomes the label `client`
    /// @param factor from the attribute's unit to the base unit
    private record Exported(
            String name, String help, String beans, String key, String attribute, double factor) {

        boolean isCounter() {
            return name.endsWith("_total");
        }
    }

    private static final String FETCHING =
            "kafka.consumer:type=consumer-fetch-manager-metrics,client-id=*";
    private static final String COORDINATION =
            "kafka.consumer:type=consumer-coordinator-metrics,client-id=*";
    private static final String PRODUCTION = "kafka.producer:type=producer-metrics,client-id=*";
    private static final String STREAMS = "kafka.streams:type=stream-metrics,client-id=*";
    private static final String THREADS = "kafka.streams:type=stream-thread-metrics,thread-id=*";
    private static final String ENGINE =
            "debezium.postgres:type=connector-metrics,context=streaming,server=*";

    private static final List<Exported> EXPORTED =
            List.of(
                    ofClient(
                            "kafka_consumer_fetch_manager_records_lag_max",
                            "Most records of a partition that the consumer has not read, as it"
                                    + " measures that itself",
                            FETCHING,
                            "records-lag-max",
                            1),
                    ofClient(
                            "kafka_consumer_fetch_manager_records_consumed_total",
                            "Records that the consumer has read",
                            FETCHING,
                            "records-consumed-total",
                            1),
                    ofClient(
                            "kafka_consumer_fetch_manager_bytes_consumed_total",
                            "Bytes that the consumer has read",
                            FETCHING,
                            "bytes-consumed-total",
                            1),
                    ofClient(
                            "kafka_consumer_coordinator_rebalance_total",
                            "Rebalances of the consumer's group",
                            COORDINATION,
                            "rebalance-total",
                            1),
                    ofClient(
                            "kafka_producer_record_send_total",
                            "Records that the producer has sent",
                            PRODUCTION,
                            "record-send-total",
                            1),
                    ofClient(
                            "kafka_producer_record_error_total",
                            "Records that the producer could not deliver",
                            PRODUCTION,
                            "record-error-total",
                            1),
                    ofClient(
                            "kafka_producer_record_retry_total",
                            "Records that the producer has sent again",
                            PRODUCTION,
                            "record-retry-total",
                            1),
                    ofClient(
                            "kafka_producer_request_latency_avg_seconds",
                            "Mean time in which the broker answers the producer",
                            PRODUCTION,
                            "request-latency-avg",
                            MILLIS),
                    ofClient(
                            "kafka_stream_alive_stream_threads",
                            "Threads of the row mappings that run",
                            STREAMS,
                            "alive-stream-threads",
                            1),
                    ofClient(
                            "kafka_stream_failed_stream_threads_total",
                            "Threads of the row mappings that have failed",
                            STREAMS,
                            "failed-stream-threads",
                            1),
                    new Exported(
                            "kafka_stream_thread_commit_latency_max_seconds",
                            "Longest commit of a thread of the row mappings",
                            THREADS,
                            "thread-id",
                            "commit-latency-max",
                            MILLIS),
                    ofEngine(
                            "debezium_streaming_since_last_event_seconds",
                            "Time since Debezium has read an event from the slot",
                            "MilliSecondsSinceLastEvent",
                            MILLIS),
                    ofEngine(
                            "debezium_streaming_events_seen_total",
                            "Events that Debezium has read from the slot",
                            "TotalNumberOfEventsSeen",
                            1),
                    ofEngine(
                            "debezium_streaming_queue_bytes",
                            "Size of the events in Debezium's queue",
                            "CurrentQueueSizeInBytes",
                            1),
                    ofEngine(
                            "debezium_streaming_queue_remaining_capacity",
                            "Events that Debezium's queue still accepts",
                            "QueueRemainingCapacity",
                            1),
                    ofEngine(
                            "debezium_streaming_erroneous_events_total",
                            "Events that Debezium could not handle",
                            "NumberOfErroneousEvents",
                            1));

    private final MBeanServer server;

    public JmxMetrics(MBeanServer server) {
        this.server = server;
    }

    private static Exported ofClient(
            String name, String help, String beans, String attribute, double factor) {
        return new Exported(name, help, beans, "client-id", attribute, factor);
    }

    private static Exported ofEngine(String name, String help, String attribute, double factor) {
        return new Exported(name, help, ENGINE, "server", attribute, factor);
    }

    @Override
    public MetricSnapshots collect() {
        MetricSnapshots.Builder metrics = MetricSnapshots.builder();
        for (Exported each : EXPORTED) {
            Map<String, Double> values = values(each);
            if (!values.isEmpty()) {
                metrics.metricSnapshot(snapshot(each, values));
            }
        }
        return metrics.build();
    }

    /// By client. Of two clients that have one name, a counter is the sum, and the worse gauge is
    /// shown.
    private Map<String, Double> values(Exported exported) {
        Map<String, Double> values = new TreeMap<>();
        for (ObjectName bean : server.queryNames(pattern(exported.beans()), null)) {
            value(bean, exported.attribute())
                    .ifPresent(
                            value ->
                                    values.merge(
                                            client(bean.getKeyProperty(exported.key())),
                                            value * exported.factor(),
                                            exported.isCounter() ? Double::sum : Math::max));
        }
        return values;
    }

    private static String client(String id) {
        String name = id.startsWith("\"") ? ObjectName.unquote(id) : id;
        return CHANGING.matcher(name).replaceAll("");
    }

    /// Kafka has no value yet if it is not a number, and Debezium if it is negative.
    private Optional<Double> value(ObjectName bean, String attribute) {
        try {
            return server.getAttribute(bean, attribute) instanceof Number number
                            && number.doubleValue() >= 0
                            && Double.isFinite(number.doubleValue())
                    ? Optional.of(number.doubleValue())
                    : Optional.empty();
        } catch (InstanceNotFoundException | AttributeNotFoundException _) {
            // The client was closed meanwhile, or has measured nothing yet.
            return Optional.empty();
        } catch (JMException | JMRuntimeException e) {
            // Millrace's metrics must not fail with those of a library.
            LOG.atDebug()
                    .addKeyValue("attribute", attribute)
                    .addKeyValue("bean", bean)
                    .setCause(e)
                    .log("a value of a library cannot be read");
            return Optional.empty();
        }
    }

    private static MetricSnapshot snapshot(Exported exported, Map<String, Double> values) {
        if (exported.isCounter()) {
            CounterSnapshot.Builder counter =
                    CounterSnapshot.builder()
                            .name(exported.name().replaceFirst("_total$", ""))
                            .help(exported.help());
            values.forEach(
                    (client, value) ->
                            counter.dataPoint(
                                    CounterDataPointSnapshot.builder()
                                            .labels(Labels.of("client", client))
                                            .value(value)
                                            .build()));
            return counter.build();
        }
        GaugeSnapshot.Builder gauge =
                GaugeSnapshot.builder().name(exported.name()).help(exported.help());
        values.forEach(
                (client, value) ->
                        gauge.dataPoint(
                                MigrationMetrics.point(Labels.of("client", client), value)));
        return gauge.build();
    }

    private static ObjectName pattern(String text) {
        try {
            return new ObjectName(text);
        } catch (MalformedObjectNameException e) {
            throw new IllegalStateException(e);
        }
    }
}
