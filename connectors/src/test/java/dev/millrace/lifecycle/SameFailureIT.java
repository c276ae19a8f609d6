package dev.millrace.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.apply.ApplierSettings;
import dev.millrace.apply.TargetApplier;
import dev.millrace.apply.TargetTopic;
import dev.millrace.apply.gate.WriteGate;
import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.capture.CaptureSettings;
import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.position.TablePause;
import dev.millrace.change.Topics;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.mappings.RowApplication;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.MetricsReporter;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The same failure of Kafka has the same result in capture, mappings and apply. Each of them meets
/// it where it opens a client, through a metrics reporter that throws.
class SameFailureIT {

    private static final RestartPolicy FAST =
            new RestartPolicy(Duration.ofMillis(20), Duration.ofMillis(20), 3);

    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(new TimeoutException("no metadata"), true, "waiting: Kafka: Timeout"),
                Arguments.of(
                        new SaslAuthenticationException("wrong password"),
                        true,
                        "needs an operator: Kafka: SaslAuthenticationException"),
                Arguments.of(
                        new ProducerFencedException("older epoch"),
                        true,
                        "failed: another process has taken over the log"),
                Arguments.of(
                        new OffsetOutOfRangeException(Map.of(new TopicPartition("t", 0), 5L)),
                        true,
                        "re-backfill required: records of the log were deleted unread"),
                Arguments.of(
                        new KafkaException("no resolvable bootstrap address"),
                        true,
                        "waiting: Kafka: KafkaException"),
                Arguments.of(new KafkaException("a bug"), false, "failed: Kafka: KafkaException"));
    }

    /// @param kafkaAway whether the question if Kafka answers fails too
    @ParameterizedTest
    @MethodSource("failures")
    void allComponentsAgree(KafkaException failure, boolean kafkaAway, String expected)
            throws Exception {
        String migration = "same" + UUID.randomUUID().toString().substring(0, 8);
        TestDatabase database = PostgresServer.shared().newDatabase();
        Login source = GrantedLogins.source(database);
        Login target = GrantedLogins.apply(database);
        Map<String, Object> kafka = kafka(migration, kafkaAway);
        FailingReporter.failure = failure;
        try (SourceCapture capture = capture(migration, source, kafka);
                RowApplication mappings = mappings(migration, kafka);
                TargetApplier applier = applier(migration, target, kafka)) {
            applier.start();

            for (Supplier<ComponentState> state :
                    List.<Supplier<ComponentState>>of(
                            capture::state, mappings::state, applier::state)) {
                await().atMost(Waits.LIMIT)
                        .untilAsserted(() -> assertThat(state.get().text()).startsWith(expected));
            }
        } finally {
            FailingReporter.failure = null;
        }
    }

    private static Map<String, Object> kafka(String migration, boolean away) {
        String bootstrap = KafkaServer.shared().bootstrapServers();
        Topics topics = new Topics(migration);
        TopicPlan plan = TopicPlan.of(topics, 1);
        try (Broker broker = new Broker(Map.of("bootstrap.servers", bootstrap))) {
            broker.ensure(plan.changes());
            broker.ensure(plan.target());
            broker.ensure(plan.position());
        }
        Map<String, Object> kafka = new HashMap<>();
        kafka.put("bootstrap.servers", bootstrap);
        kafka.put("metric.reporters", FailingReporter.class.getName());
        kafka.put(FailingReporter.AWAY, Boolean.toString(away));
        return kafka;
    }

    private static SourceCapture capture(String migration, Login login, Map<String, Object> kafka) {
        return SourceCapture.start(
                new CaptureSettings(
                        migration,
                        1,
                        login.database().url(),
                        login.name(),
                        () -> GrantedLogins.PASSWORD,
                        List.of(),
                        1,
                        kafka,
                        Map.of(),
                        Backfill.ENGINE,
                        Optional.empty()),
                _ -> login.connect(),
                InstantSource.system(),
                new SnapshotFailures(),
                () -> true,
                FAST,
                TablePause.NEVER);
    }

    private static RowApplication mappings(String migration, Map<String, Object> kafka) {
        return RowApplication.start(
                new RowApplication.Settings(
                        migration, 1, List.of(), kafka, TestFolders.create("same"), 1),
                InstantSource.system(),
                FAST);
    }

    private static TargetApplier applier(String migration, Login login, Map<String, Object> kafka) {
        return new TargetApplier(
                new ApplierSettings(
                        migration,
                        1,
                        new TargetTopic(new Topics(migration).target(), 1, true),
                        ReplicaRole.ORIGIN,
                        OriginUse.IF_PERMITTED,
                        kafka,
                        ApplierSettings.Limits.standard(),
                        Map.of(),
                        RejectedLimit.standard()),
                login::connect,
                new WriteGate(login::connect, InstantSource.system()),
                InstantSource.system(),
                FAST);
    }

    /// Throws while a client is created. Spares the check whether Kafka answers, which sets its own
    /// timeout, unless Kafka is to be away.
    public static final class FailingReporter implements MetricsReporter {

        static final String AWAY = "test.kafka.away";

        static volatile @Nullable KafkaException failure;

        @Override
        public void configure(Map<String, ?> configs) {
            KafkaException now = failure;
            boolean check = "5000".equals(String.valueOf(configs.get("default.api.timeout.ms")));
            boolean spared = check && "false".equals(String.valueOf(configs.get(AWAY)));
            if (now != null && !spared) {
                throw now;
            }
        }

        @Override
        public void init(List<KafkaMetric> metrics) {}

        @Override
        public void metricChange(KafkaMetric metric) {}

        @Override
        public void metricRemoval(KafkaMetric metric) {}

        @Override
        public void close() {}
    }
}
