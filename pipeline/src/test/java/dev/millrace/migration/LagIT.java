package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.deploy.MetricNames;
import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.http.JmxMetrics;
import dev.millrace.lag.TopicLag;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.Waits;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The lag of each stage, of a migration that is idle and of one whose apply does nothing.
@Timeout(900)
class LagIT {

    /// Longer than the intervals of all probes together, on a machine under load.
    private static final double IDLE_SECONDS = 20;

    private static FlowChange asked(Action action) {
        return new FlowChange(action, "", Optional.of("ann"), Optional.empty(), false);
    }

    private static StatusReport.Lag lag(MigrationScene scene) {
        return scene.running().status().lag();
    }

    private static TopicLag topic(MigrationScene scene, String topic) {
        return lag(scene).topics().stream()
                .filter(each -> each.topic().equals(topic))
                .findFirst()
                .orElseGet(() -> TopicLag.of(topic, "", List.of()));
    }

    private static void awaitIdle(MigrationScene scene) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(lag(scene))
                                        .satisfies(
                                                lag -> {
                                                    assertThat(lag.records()).isZero();
                                                    assertThat(lag.slotActive()).isTrue();
                                                    assertThat(lag.captureBytes()).isNotNull();
                                                    assertThat(lag.captureSeconds()).isLessThan(5);
                                                    assertThat(lag.endToEndSeconds()).isLessThan(5);
                                                    assertThat(lag.sourceSeconds())
                                                            .isLessThan(IDLE_SECONDS);
                                                    assertThat(lag.topics())
                                                            .hasSize(2)
                                                            .allSatisfy(
                                                                    topic ->
                                                                            assertThat(
                                                                                            topic
                                                                                                    .seconds())
                                                                                    .isLessThan(5));
                                                }));
    }

    @Test
    void eachLagIsRightWhenIdleWhenApplyIsDeadAndAfterARestart() throws Exception {
        try (MigrationScene scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .table("doc", "id int PRIMARY KEY, title text")) {
            scene.source.execute("INSERT INTO doc SELECT g, 't' FROM generate_series(1, 50) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            awaitIdle(scene);
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .untilAsserted(
                            () -> {
                                Map<Integer, Long> shown = scene.topics.applierOffsets();
                                assertThat(shown).hasSize(3);
                                assertThat(topic(scene, "target").partitions())
                                        .allSatisfy(
                                                each ->
                                                        assertThat(each.committed())
                                                                .isGreaterThanOrEqualTo(
                                                                        shown.get(
                                                                                each.partition())));
                            });
            String metrics = metricsOfLibraries();
            assertThat(metrics)
                    .contains(
                            "kafka_consumer_fetch_manager_records_consumed_total{client=\"consumer-millrace."
                                    + scene.name
                                    + ".applier\"}",
                            "kafka_producer_record_send_total{client=\"producer-millrace."
                                    + scene.name
                                    + ".capture\"}",
                            "kafka_stream_alive_stream_threads{client=\"millrace."
                                    + scene.name
                                    + ".rows.1\"}",
                            "debezium_streaming_events_seen_total{client=\"millrace-"
                                    + scene.name
                                    + "\"}",
                            "debezium_streaming_since_last_event_seconds{client=\"millrace-"
                                    + scene.name
                                    + "\"}");
            assertThat(MetricNames.check(metrics)).isEmpty();

            scene.running().change(asked(new Action.Pause(Part.APPLY)));
            Instant paused = Instant.now();
            scene.source.execute("INSERT INTO doc SELECT g, 'n' FROM generate_series(51, 90) g");

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> Objects.equals(lag(scene).records(), 40L));
            Instant logged = Instant.now();
            TopicLag before = topic(scene, "target");
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () -> {
                                TopicLag now = topic(scene, "target");
                                return now.records() != null
                                        && now.seconds() != null
                                        && before.records() != null
                                        && before.seconds() != null
                                        && now.records() > before.records()
                                        && now.seconds() > before.seconds() + 1;
                            });
            assertThat(topic(scene, "target").partitions())
                    .allSatisfy(each -> assertThat(each.records()).isPositive());
            assertThat(topic(scene, "changes").seconds()).isLessThan(5);
            assertThat(lag(scene).captureSeconds()).isLessThan(5);
            assertThat(lag(scene).sourceSeconds()).isLessThan(IDLE_SECONDS);
            assertThat(lag(scene).endToEndSeconds())
                    .isGreaterThanOrEqualTo(
                            Objects.requireNonNull(topic(scene, "target").seconds()) - 5);
            List<TopicLag.Partition> last = topic(scene, "target").partitions();
            scene.stop();
            Map<Integer, Long> committed = scene.topics.applierOffsets();
            assertThat(last)
                    .allSatisfy(
                            each ->
                                    assertThat(committed)
                                            .containsEntry(each.partition(), each.committed()));

            scene.start();
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .untilAsserted(
                            () -> {
                                double atLeast = age(logged);
                                assertThat(topic(scene, "target").seconds())
                                        .as("the age of a record from before the restart")
                                        .isBetween(atLeast, age(paused) + 5);
                            });
            scene.running().change(asked(new Action.Resume(Part.APPLY)));
            awaitIdle(scene);
            assertTheEndCommitsWhatWasStoredLast(scene);
        }
    }

    /// Sooner than the next of the commits at intervals, almost always.
    private static void assertTheEndCommitsWhatWasStoredLast(MigrationScene scene)
            throws Exception {
        scene.source.execute("INSERT INTO doc SELECT g, 'n' FROM generate_series(91, 99) g");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> Objects.equals(scene.target.value("SELECT count(*) FROM doc"), "99"));
        scene.stop();

        assertThat(scene.topics.applierOffsets())
                .isEqualTo(RetentionIT.storedOffsets(scene, "next_offset"));
    }

    private static String metricsOfLibraries() throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        PrometheusTextFormatWriter.create()
                .write(text, new JmxMetrics(ManagementFactory.getPlatformMBeanServer()).collect());
        return text.toString(StandardCharsets.UTF_8);
    }

    private static double age(Instant since) {
        return Duration.between(since, Instant.now()).toMillis() / 1_000.0;
    }

    /// The rate of the backfill is limited, so that its end is known beforehand.
    @Tag("faults")
    @Test
    void theEstimatedEndOfABackfillIsWithinAFifth() throws Exception {
        try (MigrationScene scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .table("doc", "id int PRIMARY KEY, title text")) {
            scene.source.execute(
                    "INSERT INTO doc SELECT g, repeat('t', 400) FROM generate_series(1, 60000) g",
                    "ANALYZE doc");
            scene.start();
            scene.running().change(asked(new Action.Throttle(OptionalLong.of(1_000))));
            Instant[] asked = new Instant[1];
            double[] estimated = new double[1];
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () -> {
                                Double eta =
                                        Objects.requireNonNull(scene.running().status().eta())
                                                .backfillSeconds();
                                asked[0] = Instant.now();
                                estimated[0] = eta == null ? 0 : eta;
                                return eta != null && eta > 0 && eta < 40;
                            });

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(100))
                    .until(
                            () ->
                                    scene.running().status().tables().stream()
                                            .allMatch(table -> table.backfill().done()));

            assertThat(age(asked[0])).isBetween(0.8 * estimated[0], 1.2 * estimated[0]);
        }
    }
}
