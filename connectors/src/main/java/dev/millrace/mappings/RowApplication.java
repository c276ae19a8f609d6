package dev.millrace.mappings;

import dev.millrace.change.Topics;
import dev.millrace.kafka.KafkaClients;
import dev.millrace.kafka.TopicReader;
import dev.millrace.lifecycle.Component;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.mapping.Mapping;
import dev.millrace.topology.MigrationTopology;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import org.apache.kafka.streams.errors.ProductionExceptionHandler;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jspecify.annotations.Nullable;

/// Runs the row mappings at least once: its producer never writes after a gap and its handlers
/// fail, so the applier can drop repeated output by its token. A run that fails is started again
/// and loses nothing, because offsets are committed only for output that is written. Thread-safe.
public final class RowApplication implements AutoCloseable {

    private static final Duration KAFKA_ANSWERS = Duration.ofSeconds(5);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(20);

    /// Kafka Streams counts records, and a record is a block of up to 512 KiB. A larger row travels
    /// alone.
    private static final int BUFFERED_BLOCKS_PER_PARTITION = 32;

    /// @param kafka client settings, at least `bootstrap.servers`
    /// @param stateDir a folder of this process alone
    public record Settings(
            String migration,
            int generation,
            List<Mapping> mappings,
            Map<String, Object> kafka,
            Path stateDir,
            int threads) {

        public Settings {
            mappings = List.copyOf(mappings);
            kafka = Map.copyOf(kafka);
        }
    }

    private final Settings settings;
    private final Supervisor supervisor;

    private RowApplication(Settings settings, InstantSource clock, RestartPolicy policy) {
        this.settings = settings;
        this.supervisor =
                new Supervisor("mappings-" + settings.migration(), new Mappings(), clock, policy);
    }

    public static RowApplication start(
            Settings settings, InstantSource clock, RestartPolicy policy) {
        RowApplication application = new RowApplication(settings, clock, policy);
        application.supervisor.start();
        return application;
    }

    public ComponentState state() {
        return supervisor.state();
    }

    @Override
    public void close() {
        supervisor.close(STOP_TIMEOUT.multipliedBy(2));
    }

    private final class Mappings implements Component {

        /// That the run has ended, or must.
        private volatile CountDownLatch end = new CountDownLatch(1);

        @Override
        public void run(Supervisor supervisor) throws Exception {
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            CountDownLatch ended = new CountDownLatch(1);
            end = ended;
            KafkaStreams streams = streams();
            streams.setUncaughtExceptionHandler(
                    error -> {
                        failure.compareAndSet(null, error);
                        return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
                    });
            streams.setStateListener(
                    (now, _) -> {
                        if (now == KafkaStreams.State.RUNNING) {
                            supervisor.running(ComponentState.Activity.MAPPING);
                        } else if (now == KafkaStreams.State.ERROR
                                || now == KafkaStreams.State.NOT_RUNNING) {
                            ended.countDown();
                        }
                    });
            try {
                streams.start();
                if (!supervisor.isStopping()) {
                    ended.await();
                }
            } finally {
                streams.close(
                        CloseOptions.groupMembershipOperation(
                                        CloseOptions.GroupMembershipOperation.LEAVE_GROUP)
                                .withTimeout(STOP_TIMEOUT));
            }
            rethrow(failure.get());
        }

        /// A record that cannot be decoded stays as it is.
        @Override
        public Failure meaning(Throwable thrown) {
            for (Throwable each = thrown; each != null; each = each.getCause()) {
                if (each instanceof MigrationTopology.UnreadableRecord unreadable) {
                    return new Failure.Fatal(String.valueOf(unreadable.getMessage()));
                }
            }
            return FailureClassifier.of(thrown);
        }

        @Override
        public void stop(Thread thread) {
            end.countDown();
        }

        @Override
        public boolean serversAnswer() {
            try {
                new TopicReader(settings.kafka(), KAFKA_ANSWERS)
                        .begins(
                                List.of(
                                        new TopicPartition(
                                                new Topics(settings.migration()).changes(), 0)));
                return true;
            } catch (KafkaException _) {
                return false;
            }
        }
    }

    private static void rethrow(@Nullable Throwable failure) throws Exception {
        switch (failure) {
            case Exception exception -> throw exception;
            case Error error -> throw error;
            case null, default -> {}
        }
    }

    private KafkaStreams streams() {
        return new KafkaStreams(
                MigrationTopology.rows(
                        new Topics(settings.migration()),
                        settings.generation(),
                        settings.mappings()),
                properties(),
                new OrderedProducerClients());
    }

    @SuppressWarnings("deprecation") // Unset, each start logs a warning.
    private Properties properties() {
        Topics topics = new Topics(settings.migration());
        Properties properties = new Properties();
        properties.putAll(settings.kafka());
        KafkaClients.measured(properties);
        properties.put(
                StreamsConfig.APPLICATION_ID_CONFIG, topics.rowsApplication(settings.generation()));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, settings.stateDir().toString());
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, settings.threads());
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 500);
        properties.put(
                StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, BUFFERED_BLOCKS_PER_PARTITION);
        KafkaClients.streamsMainConsumer(topics.rowsApplication(settings.generation()))
                .forEach(
                        (name, value) ->
                                properties.put(StreamsConfig.mainConsumerPrefix(name), value));
        KafkaClients.streamsConsumer()
                .forEach(
                        (name, value) -> properties.put(StreamsConfig.consumerPrefix(name), value));
        KafkaClients.streamsProducer()
                .forEach(
                        (name, value) -> properties.put(StreamsConfig.producerPrefix(name), value));
        properties.put(
                StreamsConfig.PRODUCTION_EXCEPTION_HANDLER_CLASS_CONFIG, FailOnAnyRefusal.class);
        // Has no effect without a global table. Unset, each start warns of the default of Kafka 5,
        // once for the application and once for the consumer's assignor.
        properties.put(StreamsConfig.PROCESSING_EXCEPTION_HANDLER_GLOBAL_ENABLED_CONFIG, true);
        properties.put(
                StreamsConfig.mainConsumerPrefix(
                        StreamsConfig.PROCESSING_EXCEPTION_HANDLER_GLOBAL_ENABLED_CONFIG),
                true);
        return properties;
    }

    /// A record that Kafka refuses ends the run. The next run starts at the committed offsets,
    /// which are before that record, so no record is skipped.
    public static final class FailOnAnyRefusal implements ProductionExceptionHandler {

        @Override
        public Response handleError(
                ErrorHandlerContext context,
                ProducerRecord<byte[], byte[]> record,
                Exception exception) {
            return Response.fail();
        }

        @Override
        public void configure(Map<String, ?> configs) {}
    }
}
