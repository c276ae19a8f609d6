package dev.millrace.apply;

import dev.millrace.apply.ApplierCounters.ApplierCounts;
import dev.millrace.change.Topics;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.SessionSource.TargetSessions;
import dev.millrace.lifecycle.Fault;
import dev.millrace.lifecycle.Incident;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Carries the target topic into the rows of the target database, exactly once in effect: the rows
/// of a batch and the offset behind it are one transaction. It owns its sessions and threads.
///
/// [#start] returns at once; whether it works is said by [#state], within seconds of a change. A
/// target or broker that is away is waited for. Every method may be called by any thread; a closed
/// applier is not started again.
public final class TargetApplier implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(TargetApplier.class);

    private final ApplierSettings settings;
    private final Topics topics;
    private final TargetSessions sessions;
    private final InstantSource clock;
    private final Backoff backoff;
    private final ApplierCounters tally;
    private final Thread thread;
    private final Instant made;
    private volatile boolean closing;
    private volatile boolean running;
    private volatile @Nullable String failure;
    private volatile @Nullable Writers writers;
    private volatile @Nullable KafkaConsumer<byte[], byte[]> consumer;
    private volatile @Nullable BrokerHealth pulse;
    private volatile ApplierState.@Nullable Waiting topicTrouble;
    private volatile @Nullable ReplicaRole role;

    public TargetApplier(
            ApplierSettings settings,
            TargetSessions sessions,
            InstantSource clock,
            Backoff backoff) {
        this.settings = settings;
        this.topics = new Topics(settings.migration());
        this.sessions = sessions;
        this.clock = clock;
        this.backoff = backoff;
        this.tally = new ApplierCounters(clock);
        this.made = clock.instant();
        this.thread =
                Thread.ofPlatform()
                        .name("millrace-" + settings.migration() + "-apply")
                        .daemon(true)
                        .unstarted(this::run);
    }

    public void start() {
        thread.start();
    }

    public ApplierState state() {
        String failed = failure;
        if (failed != null) {
            return new ApplierState.Failed(failed);
        }
        if (closing) {
            return new ApplierState.Closed();
        }
        Optional<ApplierState.Waiting> trouble = trouble();
        if (trouble.isPresent()) {
            return trouble.get();
        }
        return running
                ? new ApplierState.Applying()
                : new ApplierState.Waiting("it starts: the stored offsets are not read yet", made);
    }

    private Optional<ApplierState.Waiting> trouble() {
        Writers open = writers;
        BrokerHealth felt = pulse;
        return Optional.ofNullable(topicTrouble)
                .or(() -> open == null ? Optional.empty() : open.trouble(clock))
                .or(() -> felt == null ? Optional.empty() : felt.trouble());
    }

    public ApplierCounts counts() {
        return tally.counts();
    }

    /// The role that the sessions could take; empty before the first was opened.
    public Optional<ReplicaRole> replicaRole() {
        return Optional.ofNullable(role);
    }

    /// Lets what is under way end, and no more.
    @Override
    public void close() {
        closing = true;
        KafkaConsumer<byte[], byte[]> open = consumer;
        if (open != null) {
            open.wakeup();
        }
        if (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void run() {
        try (KafkaConsumer<byte[], byte[]> reader =
                        TargetTopic.consumer(settings.kafka(), topics.applierGroup());
                Writers pool = new Writers(settings.migration(), makeWriters(), reader::wakeup)) {
            consumer = reader;
            writers = pool;
            apply(reader, pool);
        } catch (OffsetOutOfRangeException e) {
            fail(
                    "records of the target topic were deleted unread, it no longer has what lies behind the stored offsets ("
                            + e.offsetOutOfRangePartitions()
                            + "); its rows must be backfilled again",
                    e);
        } catch (InterruptedException e) {
            fail("the applier's thread was interrupted", e);
        } catch (KafkaException e) {
            fail("Kafka: " + Incident.reason(LOG, "a Kafka client failed", e), e);
        } catch (RuntimeException | Error e) {
            fail(Incident.reason(LOG, "the applier failed", e), e);
        } finally {
            running = false;
        }
    }

    private void apply(KafkaConsumer<byte[], byte[]> reader, Writers pool)
            throws InterruptedException {
        Optional<TargetTopic.Description> topic = topic();
        Optional<AppliedOffsets> stored = topic.isEmpty() ? Optional.empty() : stored(pool);
        if (stored.isEmpty()) {
            return;
        }
        StartCheck.check(settings, topic.get(), stored.get().partitions());
        BrokerHealth felt = new BrokerHealth(reader, clock);
        pulse = felt;
        running = true;
        new ApplyLoop(reader, topic.get(), settings, pool, tally, felt, clock)
                .run(stored.get().partitions(), () -> closing);
    }

    /// Empty when the applier is closed meanwhile.
    private Optional<TargetTopic.Description> topic() throws InterruptedException {
        for (int attempt = 1; !closing; attempt++) {
            try {
                TargetTopic.Description topic = settings.topic().describe(settings.kafka());
                topicTrouble = null;
                return Optional.of(topic);
            } catch (TargetTopic.Unavailable e) {
                String reason = String.valueOf(e.getMessage());
                topicTrouble = new ApplierState.Waiting(reason, made);
                tally.error(reason);
                backoff.await(attempt);
            }
        }
        return Optional.empty();
    }

    /// Empty when the applier is closed meanwhile.
    private Optional<AppliedOffsets> stored(Writers pool) throws InterruptedException {
        pool.submit(new TargetTask.ReadOffsets());
        while (!closing) {
            Writers.Done done = pool.poll(Duration.ofMillis(100));
            if (done != null && done.failure() != null) {
                throw new ApplierFailure(String.valueOf(done.failure()));
            }
            if (done != null && done.outcome() instanceof WriteOutcome.Read(AppliedOffsets read)) {
                return Optional.of(read);
            }
        }
        return Optional.empty();
    }

    private List<Writer> makeWriters() {
        return IntStream.range(0, settings.limits().writers())
                .mapToObj(_ -> new Writer(this::open, backoff, clock, tally))
                .toList();
    }

    private BatchWriter open() throws SQLException {
        TargetSession session =
                TargetSession.open(
                        sessions, settings.limits().lockTimeout(), settings.limits().silence());
        role = session.role();
        try {
            session.role().require(settings.replicaRole(), session.connection());
        } catch (SQLException e) {
            session.close();
            throw e;
        }
        return new BatchWriter(session, settings.migration(), settings.topic().name());
    }

    private void fail(String reason, Throwable cause) {
        if (closing) {
            return;
        }
        failure = reason;
        tally.error(reason);
        LOG.atError()
                .setCause(Fault.of(cause))
                .addKeyValue("migration", settings.migration())
                .addKeyValue("reason", reason)
                .log("the applier has ended");
    }

    /// Ends the applier. The message names partitions, offsets and topics, holds no value of a row,
    /// and is shown to the operator.
    static final class ApplierFailure extends IllegalStateException {

        private static final long serialVersionUID = 1L;

        ApplierFailure(String message) {
            super(message);
        }

        ApplierFailure(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
