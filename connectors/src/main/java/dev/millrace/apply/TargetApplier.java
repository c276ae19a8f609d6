package dev.millrace.apply;

import dev.millrace.apply.ApplierCounters.ApplierCounts;
import dev.millrace.apply.broker.BrokerHealth;
import dev.millrace.apply.gate.WriteGate;
import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin;
import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.task.OwnTransactions;
import dev.millrace.apply.task.TargetTask;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.change.Topics;
import dev.millrace.control.SessionSource.TargetSessions;
import dev.millrace.control.StoredOffsets;
import dev.millrace.kafka.TopicReader;
import dev.millrace.lifecycle.Component;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.lifecycle.Supervisor;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/// Applies the target topic to the target database, exactly once in effect: the rows of a batch and
/// the offset after it commit in one transaction. Owns its sessions and threads.
///
/// [#start] returns at once; [#state] shows within seconds whether the applier works. A target or
/// broker that is unavailable is waited for. Each run starts at the stored offsets, so a run that
/// fails repeats nothing and loses nothing. Thread-safe; a closed applier cannot be started again.
public final class TargetApplier implements AutoCloseable {

    private static final Duration KAFKA_ANSWERS = Duration.ofSeconds(5);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(60);

    /// To end its fetch session at the broker, a consumer waits for a pending fetch: half a second
    /// if nothing arrives. The broker forgets the session by itself.
    private static final CloseOptions LEAVE = CloseOptions.timeout(Duration.ofMillis(50));

    private final ApplierSettings settings;
    private final Topics topics;
    private final TargetSessions sessions;
    private final WriteGate gate;
    private final InstantSource clock;
    private final RestartPolicy policy;
    private final ApplierCounters counters;
    private final Supervisor supervisor;
    private final KeyWorkQueue keyWork = new KeyWorkQueue();
    private final OwnTransactions transactions = new OwnTransactions();
    private volatile @Nullable Writers writers;
    private volatile @Nullable KafkaConsumer<byte[], byte[]> consumer;
    private volatile @Nullable BrokerHealth broker;
    private volatile @Nullable ReplicaRole role;
    private volatile OriginUse origins;

    /// @param gate while it is closed, no transaction begins on the target; the topic is still read
    /// @param policy for the applier and for each transaction on the target
    public TargetApplier(
            ApplierSettings settings,
            TargetSessions sessions,
            WriteGate gate,
            InstantSource clock,
            RestartPolicy policy) {
        this.settings = settings;
        this.origins = settings.origins();
        this.topics = new Topics(settings.migration());
        this.sessions = sessions;
        this.gate = gate;
        this.clock = clock;
        this.policy = policy;
        this.counters = new ApplierCounters(clock);
        this.supervisor =
                new Supervisor("apply-" + settings.migration(), new Applying(), clock, policy);
    }

    public void start() {
        supervisor.start();
    }

    /// The state of the applier, or what a writer or the broker makes it wait for. An applier that
    /// waits at its closed gate runs as it should.
    public ComponentState state() {
        ComponentState state = supervisor.state();
        return switch (state) {
            case ComponentState.Running _, ComponentState.Starting _ ->
                    gate.isClosed() ? paused(state) : trouble().orElse(state);
            case ComponentState.Waiting _ -> gate.isClosed() ? state : trouble().orElse(state);
            case ComponentState.Failed _, ComponentState.Stopped _ -> state;
        };
    }

    private ComponentState paused(ComponentState state) {
        return ofBroker()
                .orElseGet(
                        () ->
                                new ComponentState.Running(
                                        ComponentState.Activity.PAUSED, state.since()));
    }

    private Optional<ComponentState> trouble() {
        Writers open = writers;
        Optional<ComponentState> ofWriter =
                open == null ? Optional.empty() : open.trouble(clock).map(waiting -> waiting);
        return ofWriter.or(this::ofBroker);
    }

    private Optional<ComponentState> ofBroker() {
        BrokerHealth health = broker;
        return health == null ? Optional.empty() : health.trouble().map(waiting -> waiting);
    }

    /// Asks for work on keys that were set aside. It is done between two batches, as soon as the
    /// applier runs; the answer is cancelled when the applier is closed. Cancel it when nobody
    /// waits for it any more.
    public CompletableFuture<KeyRequest.Outcome> ask(KeyRequest request) {
        return keyWork.ask(request);
    }

    /// The transactions in which this applier has written rows.
    public OwnTransactions transactions() {
        return transactions;
    }

    public ApplierCounts counts() {
        return counters.counts();
    }

    /// The role that the sessions take; empty before the first session opens.
    public Optional<ReplicaRole> replicaRole() {
        return Optional.ofNullable(role);
    }

    /// Whether each open session marks its transactions with a replication origin. False while none
    /// is open. Only under [OriginUse#REQUIRED] is it also true of every later session.
    public boolean marksItsTransactions() {
        List<SessionOrigin> open = sessionOrigins();
        return !open.isEmpty() && open.stream().allMatch(SessionOrigin.Marked.class::isInstance);
    }

    /// Why an open session writes unmarked transactions, and what the operator can do.
    public Optional<String> unmarkedBecause() {
        return sessionOrigins().stream()
                .flatMap(
                        origin ->
                                origin instanceof SessionOrigin.Unmarked(String reason)
                                        ? Stream.of(reason)
                                        : Stream.empty())
                .findFirst();
    }

    private List<SessionOrigin> sessionOrigins() {
        Writers open = writers;
        return open == null ? List.of() : open.origins();
    }

    /// Closes each session, after its current task if it has one; the next task opens another,
    /// which uses origins in this way. No task is lost, and none runs twice.
    public void reopenSessions(OriginUse use) {
        origins = use;
        Writers open = writers;
        if (open != null) {
            open.reopen();
        }
    }

    /// Completes the transactions that are under way, and starts no other.
    @Override
    public void close() {
        supervisor.close(STOP_TIMEOUT);
        keyWork.close();
    }

    private final class Applying implements Component {
        @Override
        public void run(Supervisor supervisor) throws Exception {
            long batches = counters.counts().batches();
            try (KafkaConsumer<byte[], byte[]> reader =
                            TargetTopic.consumer(settings.kafka(), topics.applierGroup());
                    AutoCloseable _ = () -> reader.close(LEAVE);
                    Writers pool =
                            new Writers(settings.migration(), makeWriters(), reader::wakeup)) {
                consumer = reader;
                writers = pool;
                apply(reader, pool);
            } finally {
                consumer = null;
                writers = null;
                broker = null;
                if (counters.counts().batches() > batches) {
                    supervisor.progressed();
                }
            }
        }

        @Override
        public Failure meaning(Throwable thrown) {
            Failure failure = TargetApplier.meaning(thrown);
            counters.error(failure.reason());
            return failure;
        }

        @Override
        public boolean serversAnswer() {
            try {
                new TopicReader(settings.kafka(), KAFKA_ANSWERS)
                        .begins(List.of(new TopicPartition(topics.target(), 0)));
                return true;
            } catch (KafkaException _) {
                return false;
            }
        }

        @Override
        public void stop(Thread thread) {
            KafkaConsumer<byte[], byte[]> open = consumer;
            if (open != null) {
                open.wakeup();
            }
        }
    }

    private static Failure meaning(Throwable thrown) {
        Failure failure = FailureClassifier.of(thrown);
        return switch (thrown) {
            case TargetTopic.Unavailable unavailable ->
                    failure instanceof Failure.OperatorNeeded
                            ? failure
                            : new Failure.Retry(String.valueOf(unavailable.getMessage()));
            case ApplierFailure own ->
                    failure instanceof Failure.Recoverable
                            ? failure
                            : new Failure.Fatal(String.valueOf(own.getMessage()));
            default -> failure;
        };
    }

    private void apply(KafkaConsumer<byte[], byte[]> reader, Writers pool) throws Exception {
        TargetTopic.Description topic = settings.topic().describe(settings.kafka());
        Optional<WriteOutcome.Read> stored = stored(pool);
        if (stored.isEmpty()) {
            return;
        }
        StartCheck.check(settings, topic, stored.get().offsets().partitions());
        BrokerHealth health = new BrokerHealth(reader, clock);
        broker = health;
        supervisor.running(ComponentState.Activity.APPLYING);
        new ApplyLoop(reader, topic, settings, pool, gate, keyWork, counters, health, clock)
                .run(stored.get(), supervisor::isStopping);
    }

    /// Empty when the applier is closed meanwhile.
    private Optional<WriteOutcome.Read> stored(Writers pool) throws InterruptedException {
        pool.submit(new TargetTask.ReadOffsets());
        while (!supervisor.isStopping()) {
            Writers.Done done = pool.poll(Duration.ofMillis(100));
            if (done != null && done.failure() != null) {
                throw new ApplierFailure(String.valueOf(done.failure()));
            }
            if (done != null && done.outcome() instanceof WriteOutcome.Read read) {
                return Optional.of(read);
            }
        }
        return Optional.empty();
    }

    private List<Writer> makeWriters() {
        return IntStream.rangeClosed(1, settings.limits().writers())
                .mapToObj(
                        number ->
                                new Writer(
                                        failures -> open(number, failures),
                                        gate,
                                        policy,
                                        clock,
                                        counters))
                .toList();
    }

    private BatchWriter open(int writer, int failures) throws SQLException {
        TargetSession session =
                TargetSession.open(
                        sessions,
                        settings.limits(),
                        failures,
                        new SessionOrigin.Setup(
                                settings.migration(),
                                writer,
                                settings.limits().writers(),
                                origins));
        role = session.role();
        try {
            session.role().require(settings.replicaRole(), session.connection());
        } catch (SQLException e) {
            session.close();
            throw e;
        }
        return new BatchWriter(
                session,
                new StoredOffsets(settings.migration(), settings.topic().name(), transactions::add),
                settings.migration(),
                settings.rules(),
                settings.rejected());
    }

    /// Ends the applier, unless its cause is a failure that passes. The message contains
    /// partitions, offsets and topics and no row value, and is shown to the operator.
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
