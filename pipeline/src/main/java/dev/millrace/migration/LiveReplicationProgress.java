package dev.millrace.migration;

import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.Watermarks;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.BrokerException;
import dev.millrace.lifecycle.Reason;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.ReplicationProgress.ReplicationUnavailable;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongPredicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// The running migration as the reconciler sees it.
///
/// @param trouble why nothing can arrive on the target any more, as far as that is known
record LiveReplicationProgress(
        MigrationSetup setup,
        Broker broker,
        LagMonitor watches,
        SourceCapture capture,
        Supplier<Optional<String>> trouble)
        implements ReplicationProgress {

    private static final long LOOK_AGAIN_MILLIS = 50;

    /// Longer than any batch takes. What moves less often will not arrive by itself.
    private static final Duration STALLED = Duration.ofMinutes(10);

    @Override
    public Map<Integer, Long> changesEnds() {
        try {
            return broker.ends(setup.topics().changes(), setup.partitions());
        } catch (BrokerException e) {
            throw new ReplicationUnavailable(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public Map<Integer, Long> changesBegins() {
        SourcePosition position = capture.position();
        List<Long> begins = position == null ? List.of() : position.logged().changesBegins();
        Map<Integer, Long> known = new HashMap<>();
        for (int partition = 0; partition < setup.partitions(); partition++) {
            known.put(partition, partition < begins.size() ? begins.get(partition) : 0L);
        }
        return known;
    }

    @Override
    public Marked emitWatermark() {
        try {
            Watermarks.Emitted emitted = watches.emit();
            return new Marked(emitted.number(), emitted.lsn());
        } catch (SQLException e) {
            throw new ReplicationUnavailable("the source took no watermark: " + Reason.of(e), e);
        }
    }

    @Override
    public Wait awaitApplied(WatermarkNumber watermark, Cancellation cancellation) {
        Progress seen = progress(watermark);
        Instant moved = setup.clock().instant();
        while (true) {
            Progress now = progress(watermark);
            Optional<WatermarkNumber> applied = watches.applied().appliedWatermark();
            if (applied.filter(number -> number.compareTo(watermark) >= 0).isPresent()) {
                return new Wait.Applied();
            }
            Optional<String> blocked = trouble.get();
            if (blocked.isPresent()) {
                return new Wait.GivenUp(blocked.get());
            }
            if (!now.equals(seen)) {
                seen = now;
                moved = setup.clock().instant();
            } else if (!setup.clock().instant().isBefore(moved.plus(STALLED))) {
                return new Wait.GivenUp(
                        "nothing was captured or applied for "
                                + STALLED.toMinutes()
                                + " minutes; watermark "
                                + watermark
                                + " is awaited, applied is "
                                + applied.map(WatermarkNumber::toString).orElse("unknown"));
            }
            if (cancellation.isRequested()) {
                return new Wait.GivenUp("the reconciliation was cancelled");
            }
            if (!watches.awaitLook(LOOK_AGAIN_MILLIS)) {
                return new Wait.GivenUp("the service is stopping, or a new generation began");
            }
        }
    }

    /// What has to move until the watermark is applied: the capture until it is in the log, and the
    /// partitions that have not stored it.
    private record Progress(long captured, Map<Integer, Long> behind) {}

    private Progress progress(WatermarkNumber watermark) {
        SourcePosition position = capture.position();
        boolean logged = position != null && position.watermark() >= watermark.number();
        return new Progress(
                logged ? 0 : capture.events(),
                watches.applied().partitions().stream()
                        .filter(each -> each.watermark().compareTo(watermark) < 0)
                        .collect(
                                Collectors.toMap(
                                        StoredOffset::partition, StoredOffset::nextOffset)));
    }

    @Override
    public LongPredicate delivered() {
        return capture.delivered().asOfNow();
    }
}
