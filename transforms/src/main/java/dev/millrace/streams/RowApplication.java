package dev.millrace.streams;

import dev.millrace.fault.Incident;
import dev.millrace.fault.Reason;
import dev.millrace.select.Mapping;
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
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs the row mappings: at least once, by a producer that never writes behind a gap and handlers
/// that fail, so that the applier drops what a resend repeats by its token. An application that
/// fails is started again; nothing is lost, because its offsets go on only behind what was written.
/// It ends by itself only where going on would leave changes out: [State.Lost]. Any thread.
public final class RowApplication implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RowApplication.class);
    private static final Duration PAUSE = Duration.ofSeconds(2);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(20);

    /// Where the application is.
    public sealed interface State {
        record Starting(Instant since) implements State {}

        record Running(Instant since) implements State {}

        record Waiting(String reason, Instant since) implements State {}

        /// The changes topic no longer has what was not read: trying again finds no more.
        record Lost(String reason, Instant since) implements State {}

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
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread;
    private volatile State state;

    private RowApplication(Settings settings, InstantSource clock) {
        this.settings = settings;
        this.clock = clock;
        this.state = new State.Starting(clock.instant());
        this.thread =
                Thread.ofPlatform()
                        .name("mappings-" + settings.migration())
                        .unstarted(this::supervise);
    }

    public static RowApplication start(Settings settings, InstantSource clock) {
        RowApplication application = new RowApplication(settings, clock);
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
                state = new State.Starting(clock.instant());
                Throwable failure = run();
                if (stop.getCount() == 0) {
                    break;
                }
                String reason = reason(failure);
                if (failure instanceof OffsetOutOfRangeException) {
                    state = new State.Lost(reason, clock.instant());
                    LOG.atError()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", reason)
                            .log("the mappings have ended");
                    return;
                }
                state = new State.Waiting(reason, clock.instant());
                LOG.atWarn()
                        .addKeyValue("migration", settings.migration())
                        .addKeyValue("reason", reason)
                        .log("the mappings wait and try again");
                if (stop.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                    break;
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        state = new State.Stopped(clock.instant());
    }

    /// Runs until it is stopped or fails.
    ///
    /// @return the deepest cause
    private Throwable run() throws InterruptedException {
        try {
            return deepest(runOnce());
        } catch (RuntimeException | Error e) {
            return deepest(e);
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
                        new GaplessClients());
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
        // A member that died without leaving is taken over at once by the process that comes back
        // under its name.
        properties.put(
                StreamsConfig.mainConsumerPrefix("group.instance.id"),
                topics.rowsApplication(settings.generation()));
        properties.put(StreamsConfig.mainConsumerPrefix("auto.offset.reset"), "none");
        properties.put(StreamsConfig.consumerPrefix("isolation.level"), "read_committed");
        properties.put(StreamsConfig.consumerPrefix("max.poll.records"), 5000);
        properties.put(StreamsConfig.consumerPrefix("max.partition.fetch.bytes"), 8 * 1024 * 1024);
        GaplessClients.PRODUCER.forEach(
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
        properties.put(StreamsConfig.producerPrefix("linger.ms"), 2);
        properties.put(StreamsConfig.producerPrefix("batch.size"), 256 * 1024);
        properties.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
        properties.put(StreamsConfig.producerPrefix("max.request.size"), 64 * 1024 * 1024);
        return properties;
    }

    private static Throwable deepest(Throwable error) {
        Throwable deepest = error;
        while (deepest.getCause() != null) {
            deepest = deepest.getCause();
        }
        return deepest;
    }

    private static String reason(Throwable failure) {
        if (failure instanceof OffsetOutOfRangeException gone) {
            return "re-backfill required: records of the changes topic were deleted unread, it no longer has what"
                    + " lies behind the mappings' offsets "
                    + gone.offsetOutOfRangePartitions();
        }
        return Reason.of(failure)
                .map(message -> failure.getClass().getSimpleName() + ": " + message)
                .orElseGet(() -> Incident.log(LOG, "the mappings failed", failure).text());
    }
}
