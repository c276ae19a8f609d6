package dev.millrace.retention;

import dev.millrace.change.Topics;
import dev.millrace.control.GenerationStore;
import dev.millrace.control.StoredOffsets;
import dev.millrace.control.stopped.MissedChanges;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.Broker.Topic;
import dev.millrace.kafka.BrokerException;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.postgres.Database;
import dev.millrace.retention.Deletable.Found;
import dev.millrace.retention.Deletable.Readers;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Deletes old records from both topics of a stream, and measures what the topics have on disk. A
/// record is deleted only when it is older than the retention time and every reader has stored a
/// later position: see [Deletable]. Runs on its own thread; no other component waits for it, and
/// none depends on its success. Thread-safe.
public final class LogRetention implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LogRetention.class);

    /// A reading of the disk use that is older counts as unknown, if rounds are not rarer.
    private static final Duration TOO_OLD = Duration.ofMinutes(3);

    /// @param age how old a record must be before it may be deleted
    /// @param interval between two rounds
    public record Policy(Duration age, Duration interval) {

        private static final Duration STANDARD_INTERVAL = Duration.ofMinutes(1);

        public static Policy of(Duration age) {
            return new Policy(age, STANDARD_INTERVAL);
        }
    }

    /// @param stream its identifier in topics and control schema
    /// @param kafka client settings, at least `bootstrap.servers`
    /// @param control the database that contains the control schema
    public record Settings(
            String stream,
            int generation,
            int partitions,
            Map<String, Object> kafka,
            Database control,
            Policy policy) {

        public Settings {
            kafka = Map.copyOf(kafka);
        }
    }

    /// Bytes on the disks of all brokers, replicas included.
    public record LogBytes(long changes, long target) {}

    private record Reading(LogBytes bytes, Instant at) {}

    private final Settings settings;
    private final Topics topics;
    private final BooleanSupplier owner;
    private final List<Supplier<Map<Integer, Long>>> needs;
    private final InstantSource clock;
    private final Broker broker;
    private final GenerationStore generations;
    private final StoredOffsets storedOffsets;
    private final MissedChanges missedChanges;
    private final LogHolds holds = new LogHolds();
    private final PeriodicProbe probe;
    private volatile @Nullable Reading reading;
    private volatile ComponentState.@Nullable Waiting kept;
    private boolean unmeasured;

    private LogRetention(
            Settings settings,
            BooleanSupplier owner,
            List<Supplier<Map<Integer, Long>>> needs,
            InstantSource clock) {
        this.settings = settings;
        this.topics = new Topics(settings.stream());
        this.owner = owner;
        this.needs = List.copyOf(needs);
        this.clock = clock;
        this.broker = new Broker(settings.kafka());
        this.generations = new GenerationStore(settings.control(), settings.stream());
        this.storedOffsets = new StoredOffsets(settings.stream(), topics.target());
        this.missedChanges = new MissedChanges(settings.stream());
        this.probe =
                PeriodicProbe.start(
                        "retention-" + settings.stream(),
                        settings.policy().interval(),
                        clock,
                        this::round,
                        () -> {});
    }

    /// @param owner whether this process has the stream's lock at this moment
    /// @param needs further readers of the changes topic: each gives the first offset that it needs
    ///   of every partition; a partition without a value is kept whole
    public static LogRetention start(
            Settings settings,
            BooleanSupplier owner,
            List<Supplier<Map<Integer, Long>>> needs,
            InstantSource clock) {
        return new LogRetention(settings, owner, needs, clock);
    }

    /// Keeps records of the changes topic for a reader.
    public LogHolds holds() {
        return holds;
    }

    /// [ComponentState.Waiting] with the reason while nothing may be deleted.
    public ComponentState state() {
        ComponentState state = probe.state();
        ComponentState.Waiting reason = kept;
        return state.isHealthy() && reason != null ? reason : state;
    }

    /// The disk use of both topics; empty while it is unknown.
    public Optional<LogBytes> bytes() {
        Reading last = reading;
        Duration limit =
                TOO_OLD.compareTo(settings.policy().interval()) > 0
                        ? TOO_OLD
                        : settings.policy().interval().multipliedBy(2);
        return last == null || Duration.between(last.at(), clock.instant()).compareTo(limit) > 0
                ? Optional.empty()
                : Optional.of(last.bytes());
    }

    private void round() throws SQLException {
        if (owner.getAsBoolean()) {
            delete();
        }
        measure();
    }

    private void delete() throws SQLException {
        Instant young = clock.instant().minus(settings.policy().age());
        Found changes = find(topics.changes(), young);
        Found target = find(topics.target(), young);
        List<Map<Integer, Long>> needed = new ArrayList<>();
        needs.forEach(need -> needed.add(need.get()));
        Readers readers =
                new Readers(
                        generations.latest(),
                        broker.committedOffsets(
                                topics.rowsApplication(settings.generation()), topics.changes()),
                        storedOffsets.read(settings.control()).partitions(),
                        missedChanges.firstOffsets(settings.control(), settings.generation()),
                        needed);
        switch (holds.release(held -> decide(changes, target, readers, held))) {
            case Deletable.Before before -> {
                delete(topics.changes(), before.changes());
                delete(topics.target(), before.target());
                kept = null;
            }
            case Deletable.Nothing(String reason) -> keep(reason);
        }
    }

    private Deletable decide(
            Found changes, Found target, Readers readers, List<Map<Integer, Long>> held) {
        List<Map<Integer, Long>> needed = new ArrayList<>(readers.needed());
        needed.addAll(held);
        return Deletable.of(
                settings.generation(),
                changes,
                target,
                new Readers(
                        readers.latest(),
                        readers.committed(),
                        readers.stored(),
                        readers.missed(),
                        needed));
    }

    private Found find(String name, Instant young) {
        Optional<Topic> topic = broker.find(name);
        return topic.filter(found -> found.partitions() == settings.partitions())
                .map(
                        _ ->
                                new Found(
                                        topic,
                                        broker.begins(name, settings.partitions()),
                                        broker.firstSince(name, settings.partitions(), young)))
                .orElseGet(() -> new Found(Optional.empty(), Map.of(), Map.of()));
    }

    private void delete(String topic, Map<Integer, Long> before) {
        if (before.isEmpty()) {
            return;
        }
        broker.deleteRecords(topic, before);
        LOG.atInfo()
                .addKeyValue("stream", settings.stream())
                .addKeyValue("topic", topic)
                .addKeyValue("before", before)
                .log("Deleted records that are older than the retention time.");
    }

    private void keep(String reason) {
        ComponentState.Waiting last = kept;
        String text = "nothing is deleted: " + reason;
        if (last == null || !last.reason().equals(text)) {
            kept = new ComponentState.Waiting(text, clock.instant());
            LOG.atWarn()
                    .addKeyValue("stream", settings.stream())
                    .addKeyValue("reason", reason)
                    .log("No record of the log is deleted.");
        }
    }

    /// A cluster may forbid to read the disk use, which does not matter for the deletion.
    private void measure() {
        try {
            Map<String, Long> bytes = broker.diskBytes(List.of(topics.changes(), topics.target()));
            reading =
                    new Reading(
                            new LogBytes(
                                    bytes.getOrDefault(topics.changes(), 0L),
                                    bytes.getOrDefault(topics.target(), 0L)),
                            clock.instant());
            unmeasured = false;
        } catch (BrokerException e) {
            if (!unmeasured) {
                unmeasured = true;
                LOG.atWarn()
                        .addKeyValue("stream", settings.stream())
                        .addKeyValue("reason", e.getMessage())
                        .log("The disk use of the log is unknown.");
            }
        }
    }

    @Override
    public void close() {
        probe.close();
        broker.close();
    }
}
