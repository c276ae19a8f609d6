package dev.millrace.replication;

import dev.millrace.capture.WatermarkSession;
import dev.millrace.capture.Watermarks;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.ParkedSize;
import dev.millrace.control.ProgressReader;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.stopped.StoppedTables.Counted;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import dev.millrace.kafka.Broker;
import dev.millrace.lag.Backlog;
import dev.millrace.lag.CatchUpEta;
import dev.millrace.lag.Freshness;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.lag.ServerUse;
import dev.millrace.lag.TopicLag;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.types.TypeParts.Part;
import dev.millrace.sql.Relation.SqlType;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Measures the lag of one generation and the reachability of source, target and Kafka. Each server
/// has a probe with its own thread, so that one server that does not answer never delays the
/// others. The source's probe also emits the watermarks. Thread-safe.
public final class LagMonitor implements AutoCloseable {

    private static final Duration SOURCE_INTERVAL = Duration.ofMillis(500);
    private static final Duration TARGET_INTERVAL = Duration.ofMillis(200);
    private static final Duration KAFKA_INTERVAL = Duration.ofSeconds(1);
    private static final Duration ADDITIONS_INTERVAL = Duration.ofSeconds(30);

    private final ReplicationStream stream;
    private final InstantSource clock;
    private final int generation;
    private final Broker broker;
    private final Function<Catalog, List<String>> additions;
    private final Supplier<@Nullable SourcePosition> position;
    private final WatermarkSession watermarks;
    private final ProgressReader progressReader;
    private final Freshness<WatermarkNumber> freshness = new Freshness<>();
    private final Freshness<WatermarkNumber> logged = new Freshness<>();
    private final Freshness<Lsn> confirmed = new Freshness<>();
    private final Backlog backlog = new Backlog();
    private final TopicLags topics;
    private final CatchUpEta catchUp = new CatchUpEta();
    private final ServerWatch sourceWatch;
    private final ServerWatch targetWatch;
    private final PeriodicProbe source;
    private final PeriodicProbe target;
    private final PeriodicProbe kafka;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile AppliedOffsets applied = AppliedOffsets.NONE;
    private volatile List<Counted> stopped = List.of();
    private volatile List<String> notReplicated = List.of();
    private final EnumLabels labels;
    private volatile Map<SqlType, List<Part>> sourceLabels = Map.of();
    private volatile Map<EnumLabels.Column, List<Part>> targetLabels = Map.of();
    private @Nullable Instant sourceLabelsRead;
    private @Nullable Instant targetLabelsRead;
    private @Nullable Instant additionsRead;
    private volatile @Nullable Map<TableId, Optional<Long>> rejected;
    private volatile Map<TableId, ParkedSize> waiting = Map.of();

    /// @param additions finds what was added on the source
    /// @param position the last position in the log; `null` while it is unknown
    /// @param mayWrite whether the source may be written at this moment
    LagMonitor(
            ReplicationStream stream,
            InstantSource clock,
            int generation,
            Broker broker,
            Function<Catalog, List<String>> additions,
            Supplier<@Nullable SourcePosition> position,
            BooleanSupplier mayWrite) {
        this.position = position;
        this.stream = stream;
        this.clock = clock;
        this.additions = additions;
        this.labels = new EnumLabels(stream.tables().mappings());
        this.generation = generation;
        this.broker = broker;
        this.watermarks =
                new WatermarkSession(
                        stream.source().database(), stream.watermarks(generation), mayWrite);
        this.topics = new TopicLags(stream, generation, broker);
        this.sourceWatch = new ServerWatch("source", stream.source().database(), clock);
        this.targetWatch = new ServerWatch("target", stream.target().database(), clock);
        this.progressReader =
                new ProgressReader(
                        stream.control(), stream.id(), stream.topics().target(), generation);
        this.source =
                PeriodicProbe.start(
                        "probe-source",
                        SOURCE_INTERVAL,
                        clock,
                        this::probeSource,
                        watermarks::close);
        this.target =
                PeriodicProbe.start(
                        "probe-target",
                        TARGET_INTERVAL,
                        clock,
                        this::probeTarget,
                        progressReader::close);
        this.kafka =
                PeriodicProbe.start(
                        "probe-kafka", KAFKA_INTERVAL, clock, this::probeKafka, () -> {});
    }

    /// The end-to-end lag: of the changes that every partition has applied.
    public Freshness<WatermarkNumber> freshness() {
        return freshness;
    }

    /// The lag of capture: of the changes that are in the log.
    public Freshness<WatermarkNumber> logged() {
        return logged;
    }

    /// The lag of the source: of the changes that the source no longer retains for the slot.
    public Freshness<Lsn> confirmed() {
        return confirmed;
    }

    /// The changes topic and the target topic.
    public List<TopicLag> topics(Instant now) {
        return topics.lags(now);
    }

    public CatchUpEta catchUp() {
        return catchUp;
    }

    /// The source and the target of this stream.
    public List<ServerUse> servers(Instant now) {
        return List.of(sourceWatch.use(now), targetWatch.use(now));
    }

    public Backlog backlog() {
        return backlog;
    }

    /// The stored offsets as of the last probe of the target.
    public AppliedOffsets applied() {
        return applied;
    }

    /// Changes that were applied in this generation, also by earlier processes; empty while that is
    /// unknown.
    public OptionalLong rowsApplied() {
        AppliedOffsets known = applied;
        return target.state() instanceof ComponentState.Waiting
                        || !known.generation().equals(OptionalInt.of(generation))
                ? OptionalLong.empty()
                : OptionalLong.of(known.rowsApplied());
    }

    /// The stopped tables, with those that still apply what they missed.
    public List<StoppedTable> stopped() {
        return stopped.stream().map(Counted::table).toList();
    }

    /// The same with what the tables have missed.
    public List<Counted> stops() {
        return stopped;
    }

    /// What was added on the source after the migration began and is not replicated, or not before
    /// the target has it too.
    public List<String> notReplicated() {
        List<String> all = new ArrayList<>(notReplicated);
        all.addAll(labels.missing(sourceLabels, targetLabels));
        return all;
    }

    /// How many changes of a target table are not applied, because the table is stopped or their
    /// key waits; `null` while that is unknown: before the first probe, while the target does not
    /// answer, or when they were not counted.
    public @Nullable Long rejected(TableId table) {
        Map<TableId, Optional<Long>> known = rejected;
        return known == null || target.state() instanceof ComponentState.Waiting
                ? null
                : known.getOrDefault(table, Optional.of(0L))
                        .map(stopped -> stopped + waiting(table).changes())
                        .orElse(null);
    }

    /// What was waiting of a target table at the last probe.
    public ParkedSize waiting(TableId table) {
        return waiting.getOrDefault(table.whole(), ParkedSize.NONE);
    }

    public ComponentState sourceState() {
        return source.state();
    }

    public ComponentState targetState() {
        return target.state();
    }

    public ComponentState kafkaState() {
        return kafka.state();
    }

    /// Waits for a time in which the target may be probed again.
    ///
    /// @return false when this monitor is closed and no probe follows
    boolean awaitProbe(Duration time) {
        try {
            return !closed.await(time.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /// Emits a watermark in addition to the periodic ones, for a caller that waits for it.
    Watermarks.Emitted emitWatermark() throws SQLException {
        Instant before = clock.instant();
        Watermarks.Emitted emitted = watermarks.emitOnDemand();
        emitted(emitted, before);
        return emitted;
    }

    private void emitted(Watermarks.Emitted watermark, Instant at) {
        freshness.emitted(watermark.number(), at);
        logged.emitted(watermark.number(), at);
        confirmed.emitted(watermark.lsn(), at);
    }

    private void probeSource() throws SQLException {
        if (watermarks.mayEmit()) {
            Instant before = clock.instant();
            emitted(watermarks.emit(), before);
        }
        try (Session session = stream.source().database().session()) {
            Server server = session.server();
            Optional<ReplicationSlot> slot = server.slot(stream.slot());
            slot.ifPresent(found -> measure(found, server));
            Instant now = clock.instant();
            SourcePosition captured = captured();
            if (captured != null && captured.streaming()) {
                // The engine's snapshot uses the slot only afterwards.
                backlog.slotActive(
                        slot.stream().anyMatch(found -> found.activePid().isPresent()), now);
            }
            sourceWatch.read(session);
            if (additionsRead == null
                    || Duration.between(additionsRead, now).compareTo(ADDITIONS_INTERVAL) > 0) {
                additionsRead = now;
                notReplicated = additions.apply(session.sourceCatalog());
            }
            if (areLabelsDue(sourceLabelsRead, now)) {
                sourceLabelsRead = now;
                sourceLabels = labels.onSource(session);
            }
        }
    }

    private boolean areLabelsDue(@Nullable Instant read, Instant now) {
        return labels.concernsTables()
                && (read == null
                        || Duration.between(read, now).compareTo(stream.settings().definitions())
                                > 0);
    }

    private void measure(ReplicationSlot slot, Server server) {
        SourcePosition captured = captured();
        Lsn written = server.walPosition();
        Instant now = clock.instant();
        slot.confirmedFlush()
                .ifPresent(
                        flushed -> {
                            backlog.sourceBytes(written.value() - flushed.value(), now);
                            confirmed.reached(flushed);
                        });
        slot.safeWalBytes().ifPresent(bytes -> backlog.safeWalBytes(bytes, now));
        if (captured != null && captured.streaming()) {
            backlog.captureBytes(written.value() - captured.boundary().value(), now);
        }
    }

    /// The last position in the log; `null` while that of this generation is unknown.
    private @Nullable SourcePosition captured() {
        SourcePosition known = position.get();
        return known == null || known.generation() != generation ? null : known;
    }

    private void probeTarget() throws SQLException {
        Instant now = clock.instant();
        if (areLabelsDue(targetLabelsRead, now)) {
            targetLabelsRead = now;
            try (Session session = stream.target().database().session()) {
                targetLabels = labels.onTarget(session);
            }
        }
        targetWatch.read();
        ProgressReader.Progress read = progressReader.read();
        // Before the offsets: a reader that sees the target up to a watermark must also see the
        // tables that stopped before it, and the keys that were set aside.
        stopped = read.stopped();
        rejected =
                read.stopped().stream()
                        .collect(
                                Collectors.toMap(
                                        table -> table.table().table(), Counted::rejected));
        waiting = read.waiting();
        applied = read.offsets();
        waitingChanges(read.offsets()).ifPresent(count -> backlog.records(count, clock.instant()));
        estimate(clock.instant());
        read.offsets()
                .appliedWatermark()
                .filter(number -> number.generation() == generation)
                .filter(number -> number.compareTo(WatermarkNumber.none(generation)) > 0)
                .ifPresent(freshness::reached);
    }

    private void estimate(Instant now) {
        SourcePosition captured = captured();
        if (captured == null) {
            return;
        }
        if (captured.watermark() > 0) {
            logged.reached(new WatermarkNumber(generation, captured.watermark()));
        }
        Optional<Long> waiting = backlog.records(now);
        Optional<Long> bytes = backlog.captureBytes(now);
        if (waiting.isPresent() && bytes.isPresent()) {
            catchUp.sample(
                    now, waiting.get(), bytes.get(), total(captured), captured.boundary().value());
        }
    }

    /// Changes in the log since the generation began.
    private static long total(SourcePosition captured) {
        return captured.logged().changesTotals().stream().mapToLong(Long::longValue).sum();
    }

    /// The changes of rows in the log that are not applied: each block contains their number since
    /// the generation began, and apply stores it. Empty while one of both is unknown.
    private OptionalLong waitingChanges(AppliedOffsets stored) {
        SourcePosition captured = captured();
        if (captured == null || stored.partitions().size() != stream.partitions()) {
            return OptionalLong.empty();
        }
        long total = total(captured);
        for (StoredOffset offset : stored.partitions()) {
            if (offset.generation() != generation) {
                return OptionalLong.empty();
            }
            total -= offset.total();
        }
        return OptionalLong.of(total);
    }

    private void probeKafka() {
        topics.read(applied, clock.instant());
    }

    @Override
    public void close() {
        closed.countDown();
        source.close();
        target.close();
        kafka.close();
    }
}
