package dev.millrace.mappings;

import dev.millrace.change.Topics;
import dev.millrace.kafka.KafkaClients;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.Fault;
import dev.millrace.lifecycle.RepeatedFailures;
import dev.millrace.mapping.Mapping;
import dev.millrace.topology.MigrationTopology;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import org.apache.kafka.streams.errors.ProductionExceptionHandler;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs the row mappings: at least once, by a producer that never writes behind a gap and handlers
/// that fail, so that the applier drops what a resend repeats by its token. An application that
/// fails is started again; nothing is lost, because its offsets go on only behind what was written.
/// It ends by itself only where going on would leave changes out or fail the same way again:
/// [State.Failed]. Any thread.
public final class RowApplication implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RowApplication.class);
    private static final Duration PAUSE = Duration.ofSeconds(2);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(20);

    /// A failure that no server explains is tried so often, unless runs between last longer.
    private static final int UNEXPLAINED_LIMIT = 3;

    private static final int FENCE_LIMIT = 3;

    private static final Duration LONG_RUN = Duration.ofMinutes(5);

    /// Where the application is.
    public sealed interface State {
        record Starting(Instant since) implements State {}

        record Running(Instant since) implements State {}

        record Waiting(Failure.Recoverable failure, Instant since) implements State {}

        /// Trying again would not help.
        record Failed(String reason, Instant since) implements State {}

        record Stopped(Instant since) implements State {}
    }

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
    private final InstantSource clock;
    private final Function<Throwable, Failure> classifier;
    private final RepeatedFailures unexplained = new RepeatedFailures(UNEXPLAINED_LIMIT);
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread;
    private int fences;
    private volatile State state;

    private RowApplication(
            Settings settings, InstantSource clock, Function<Throwable, Failure> classifier) {
        this.settings = settings;
        this.clock = clock;
        this.classifier = classifier;
        this.state = new State.Starting(clock.instant());
        this.thread =
                Thread.ofPlatform()
                        .name("mappings-" + settings.migration())
                        .unstarted(this::supervise);
    }

    /// @param classifier says what a failure means
    public static RowApplication start(
            Settings settings, InstantSource clock, Function<Throwable, Failure> classifier) {
        RowApplication application = new RowApplication(settings, clock, classifier);
        application.thread.start();
        return application;
    }

    public State state() {
        return state;
    }

    @Override
    public void close() throws InterruptedException {
        stop.countDown();
        thread.join(STOP_TIMEOUT.multipliedBy(2));
    }

    private void supervise() {
        try {
            while (stop.getCount() > 0) {
                Instant begun = clock.instant();
                state = new State.Starting(begun);
                Throwable failure = run();
                if (stop.getCount() == 0) {
                    break;
                }
                if (Duration.between(begun, clock.instant()).compareTo(LONG_RUN) > 0) {
                    unexplained.clear();
                    fences = 0;
                }
                become(judge(failure));
                if (state instanceof State.Failed
                        || stop.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            if (!(state instanceof State.Failed)) {
                state = new State.Stopped(clock.instant());
            }
        }
    }

    private State judge(Throwable thrown) {
        if (isFenced(thrown) && ++fences >= FENCE_LIMIT) {
            return new State.Failed(
                    "another process takes over the mappings of this migration again and again. End the other one, then restart Millrace.",
                    clock.instant());
        }
        Failure failure = classifier.apply(thrown);
        return switch (failure) {
            case Failure.Recoverable waiting -> new State.Waiting(waiting, clock.instant());
            case Failure.Lost(String reason) ->
                    new State.Failed("re-backfill required: " + reason, clock.instant());
            case Failure.Unexplained(String reason) -> {
                LOG.atError()
                        .addKeyValue("migration", settings.migration())
                        .setCause(Fault.of(thrown))
                        .log("the mappings failed unexpectedly");
                yield unexplained.isTooMany(failure)
                        ? new State.Failed(
                                reason
                                        + ", "
                                        + UNEXPLAINED_LIMIT
                                        + " times in a row. Remove the cause (the log has the place), then restart Millrace.",
                                clock.instant())
                        : new State.Waiting(failure.waiting(), clock.instant());
            }
        };
    }

    private static boolean isFenced(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof FencedInstanceIdException) {
                return true;
            }
        }
        return false;
    }

    private void become(State next) {
        state = next;
        switch (next) {
            case State.Waiting(Failure.Recoverable failure, Instant _) ->
                    LOG.atWarn()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", failure.reason())
                            .log("the mappings wait and try again");
            case State.Failed(String reason, Instant _) ->
                    LOG.atError()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", reason)
                            .log("the mappings have ended");
            case State.Starting _, State.Running _, State.Stopped _ -> {}
        }
    }

    /// Runs until it is stopped or fails.
    private Throwable run() throws InterruptedException {
        try {
            return runOnce();
        } catch (RuntimeException | Error e) {
            return e;
        }
    }

    private Throwable runOnce() throws InterruptedException {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        CountDownLatch ended = new CountDownLatch(1);
        KafkaStreams streams =
                new KafkaStreams(
                        MigrationTopology.rows(
                                new Topics(settings.migration()),
                                settings.generation(),
                                settings.mappings()),
                        properties(),
                        new OrderedProducerClients());
        streams.setUncaughtExceptionHandler(
                error -> {
                    failure.compareAndSet(null, error);
                    return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
                });
        streams.setStateListener(
                (now, _) -> {
                    if (now == KafkaStreams.State.RUNNING) {
                        state = new State.Running(clock.instant());
                    } else if (now == KafkaStreams.State.ERROR
                            || now == KafkaStreams.State.NOT_RUNNING) {
                        ended.countDown();
                    }
                });
        try {
            streams.start();
            while (stop.getCount() > 0 && !ended.await(200, TimeUnit.MILLISECONDS)) {
                if (stop.getCount() == 0) {
                    break;
                }
            }
        } finally {
            streams.close(
                    CloseOptions.groupMembershipOperation(
                                    CloseOptions.GroupMembershipOperation.LEAVE_GROUP)
                            .withTimeout(STOP_TIMEOUT));
        }
        Throwable cause = failure.get();
        return cause == null
                ? new IllegalStateException("the mappings ended without a reason")
                : cause;
    }

    private Properties properties() {
        Topics topics = new Topics(settings.migration());
        Properties properties = new Properties();
        properties.putAll(settings.kafka());
        properties.put(
                StreamsConfig.APPLICATION_ID_CONFIG, topics.rowsApplication(settings.generation()));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, settings.stateDir().toString());
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, settings.threads());
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 500);
        properties.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
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
        // There is no global table; unsaid, every start warns of what Kafka 5 will take for
        // granted: once for the application, once for the consumer's assignor.
        properties.put(StreamsConfig.PROCESSING_EXCEPTION_HANDLER_GLOBAL_ENABLED_CONFIG, true);
        properties.put(
                StreamsConfig.mainConsumerPrefix(
                        StreamsConfig.PROCESSING_EXCEPTION_HANDLER_GLOBAL_ENABLED_CONFIG),
                true);
        return properties;
    }

    /// A record that Kafka doesn't take ends the run; the next one begins at the committed offsets,
    /// which lie before it. Nothing is left out.
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
