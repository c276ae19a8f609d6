package dev.millrace.migration;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.capture.Watermarks;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.ProgressReader;
import dev.millrace.control.StoppedTables;
import dev.millrace.control.StoppedTables.StoppedTable;
import dev.millrace.kafka.Broker;
import dev.millrace.lag.Backlog;
import dev.millrace.lag.Freshness;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.Session;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The eyes of the migration on source, target and Kafka, each on its own thread, so that one that
/// hangs blinds no other. The one on the source also emits the watermarks.
final class LagMonitor implements AutoCloseable {

    private static final Duration TICK = Duration.ofMillis(500);
    private static final Duration APPLIED = Duration.ofMillis(200);
    private static final Duration BACKLOG = Duration.ofSeconds(1);
    private static final Duration ADDITIONS = Duration.ofSeconds(30);

    private final MigrationSetup setup;
    private final int generation;
    private final Broker broker;
    private final LaterAdditions additions;
    private final Watermarks watermarks;
    private final Freshness freshness = new Freshness();
    private final Backlog backlog = new Backlog();
    private final PeriodicProbe source;
    private final PeriodicProbe target;
    private final PeriodicProbe kafka;
    private final CountDownLatch closed = new CountDownLatch(1);
    private @Nullable Connection sourceConnection;
    private final ProgressReader targetProgress;
    private volatile AppliedOffsets applied = new AppliedOffsets(List.of(), 0);
    private volatile List<StoppedTable> stopped = List.of();
    private volatile List<String> later = List.of();
    private @Nullable Instant additionsRead;
    private volatile @Nullable Map<TableId, Optional<Long>> rejected;

    /// @param additions finds what was added on the source
    LagMonitor(MigrationSetup setup, int generation, Broker broker, LaterAdditions additions) {
        this.setup = setup;
        this.additions = additions;
        this.generation = generation;
        this.broker = broker;
        this.watermarks = new Watermarks(setup.migration(), generation);
        this.targetProgress =
                new ProgressReader(
                        setup.target(), setup.migration(), setup.topics().target(), generation);
        this.source =
                PeriodicProbe.start(
                        "watch-source",
                        TICK,
                        setup.clock(),
                        this::lookAtSource,
                        this::releaseSource);
        this.target =
                PeriodicProbe.start(
                        "watch-target",
                        APPLIED,
                        setup.clock(),
                        this::lookAtTarget,
                        this::releaseTarget);
        this.kafka =
                PeriodicProbe.start(
                        "watch-kafka", BACKLOG, setup.clock(), this::lookAtKafka, () -> {});
    }

    Freshness freshness() {
        return freshness;
    }

    Backlog backlog() {
        return backlog;
    }

    /// The stored offsets as they were last read.
    AppliedOffsets applied() {
        return applied;
    }

    List<StoppedTable> stopped() {
        return stopped;
    }

    /// What was added on the source after the migration began and does not arrive.
    List<String> later() {
        return later;
    }

    /// Changes of a target table that were not applied because it is stopped; `null` while that is
    /// not known: before the target was read, while it doesn't answer, or when they were not
    /// counted.
    @Nullable Long rejected(TableId table) {
        Map<TableId, Optional<Long>> known = rejected;
        return known == null || target.trouble().isPresent()
                ? null
                : known.getOrDefault(table, Optional.of(0L)).orElse(null);
    }

    Optional<PeriodicProbe.Trouble> sourceTrouble() {
        return source.trouble();
    }

    Optional<PeriodicProbe.Trouble> targetTrouble() {
        return target.trouble();
    }

    Optional<PeriodicProbe.Trouble> kafkaTrouble() {
        return kafka.trouble();
    }

    /// Waits a moment for the next look at the target.
    ///
    /// @return false when the eyes are closed and no look will come
    boolean awaitLook(long millis) {
        try {
            return !closed.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /// Emits a watermark of its own, for one who will wait for it.
    Watermarks.Emitted emit() throws SQLException {
        try (Connection connection = setup.source().pooled()) {
            var before = setup.clock().instant();
            Watermarks.Emitted emitted = watermarks.emit(connection);
            freshness.emitted(emitted.number(), before);
            return emitted;
        }
    }

    private void lookAtSource() throws SQLException {
        if (sourceConnection == null) {
            sourceConnection = setup.source().connect("watermark");
        }
        var before = setup.clock().instant();
        Watermarks.Emitted emitted = watermarks.emit(sourceConnection);
        freshness.emitted(emitted.number(), before);
        try (Session session = setup.source().session()) {
            Server server = session.server();
            server.slot(CaptureSettings.slot(setup.migration()))
                    .flatMap(ReplicationSlot::confirmedFlush)
                    .ifPresent(
                            flushed ->
                                    backlog.sourceBytes(
                                            server.walPosition().value() - flushed.value(),
                                            setup.clock().instant()));
            Instant now = setup.clock().instant();
            if (additionsRead == null
                    || Duration.between(additionsRead, now).compareTo(ADDITIONS) > 0) {
                additionsRead = now;
                later = additions.find(session.sourceCatalog());
            }
        }
    }

    private void lookAtTarget() throws SQLException {
        ProgressReader.Progress progress = targetProgress.read();
        AppliedOffsets read = progress.offsets();
        // Whoever sees the target up to a watermark must see what stopped before it.
        List<StoppedTables.Counted> counted = progress.stopped();
        stopped = counted.stream().map(StoppedTables.Counted::table).toList();
        rejected =
                counted.stream()
                        .collect(
                                Collectors.toMap(
                                        table -> table.table().table(),
                                        StoppedTables.Counted::rejected));
        applied = read;
        read.appliedWatermark()
                .filter(number -> number.generation() == generation)
                .filter(number -> number.compareTo(WatermarkNumber.none(generation)) > 0)
                .ifPresent(freshness::applied);
    }

    private void lookAtKafka() {
        String changes = setup.topics().changes();
        String target = setup.topics().target();
        int partitions = setup.partitions();
        Map<Integer, Long> mapped =
                broker.placed(setup.topics().rowsApplication(generation), changes);
        AppliedOffsets stored = applied;
        if (mapped.size() != partitions || stored.partitions().size() != partitions) {
            return;
        }
        long waiting = 0;
        for (Map.Entry<Integer, Long> end : broker.ends(changes, partitions).entrySet()) {
            waiting += Math.max(0, end.getValue() - mapped.getOrDefault(end.getKey(), 0L));
        }
        Map<Integer, Long> ends = broker.ends(target, partitions);
        for (var offset : stored.partitions()) {
            waiting += Math.max(0, ends.getOrDefault(offset.partition(), 0L) - offset.nextOffset());
        }
        backlog.records(waiting, setup.clock().instant());
    }

    private void releaseSource() {
        sourceConnection = letGo(sourceConnection);
    }

    private void releaseTarget() {
        targetProgress.close();
    }

    private static @Nullable Connection letGo(@Nullable Connection connection) {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException _) {
                // It is broken already; the next round opens another.
                return null;
            }
        }
        return null;
    }

    @Override
    public void close() throws InterruptedException {
        closed.countDown();
        source.close();
        target.close();
        kafka.close();
    }
}
