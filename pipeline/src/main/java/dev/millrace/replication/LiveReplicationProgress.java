package dev.millrace.replication;

import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.Watermarks;
import dev.millrace.capture.position.IncompleteKeys;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.StoredOffset;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.BrokerException;
import dev.millrace.lifecycle.Reason;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.retention.LogHolds;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongPredicate;
import java.util.function.Supplier;

/// The progress of a running stream, for the reconciler. Thread-safe.
///
/// @param blocked why no further change can arrive on the target, as far as that is known
record LiveReplicationProgress(
        ReplicationStream stream,
        InstantSource clock,
        Broker broker,
        LagMonitor lag,
        SourceCapture capture,
        LogHolds holds,
        Supplier<Optional<String>> blocked)
        implements ReplicationProgress {

    private static final Duration CHECK_INTERVAL = Duration.ofMillis(50);

    /// Longer than any batch takes. A stream without progress for this long does not recover by
    /// itself.
    private static final Duration STALLED = Duration.ofMinutes(10);

    @Override
    public Map<Integer, Long> changesEnds() {
        try {
            return broker.ends(stream.topics().changes(), stream.partitions());
        } catch (BrokerException e) {
            throw new ReplicationUnavailable(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public Map<Integer, Long> changesBegins() {
        SourcePosition position = capture.position();
        List<Long> begins = position == null ? List.of() : position.logged().changesBegins();
        Map<Integer, Long> known = new HashMap<>();
        for (int partition = 0; partition < stream.partitions(); partition++) {
            known.put(partition, partition < begins.size() ? begins.get(partition) : 0L);
        }
        return known;
    }

    @Override
    public LogHolds.Hold holdLog() {
        return holds.hold();
    }

    @Override
    public Marked emitWatermark() {
        try {
            Watermarks.Emitted emitted = lag.emitWatermark();
            return new Marked(emitted.number(), emitted.lsn());
        } catch (SQLException e) {
            throw new ReplicationUnavailable(
                    "no watermark could be emitted on the source: " + Reason.of(e), e);
        }
    }

    @Override
    public Wait awaitApplied(WatermarkNumber watermark, Cancellation cancellation) {
        Wait applied = awaitStored(watermark, cancellation);
        IncompleteKeys incomplete = capture.incompleteKeys();
        if (!(applied instanceof Wait.Applied) || !incomplete.isIncompleteAt(watermark.number())) {
            return applied;
        }
        // Rows that awaited a read there are not on the target yet. A watermark that is emitted
        // after the last of these reads follows it in the log.
        Optional<String> given = awaitReads(incomplete, watermark, cancellation);
        return given.<Wait>map(Wait.GivenUp::new)
                .orElseGet(() -> awaitStored(emitWatermark().number(), cancellation));
    }

    private Optional<String> awaitReads(
            IncompleteKeys incomplete, WatermarkNumber watermark, Cancellation cancellation) {
        Instant end = clock.instant().plus(STALLED);
        while (!incomplete.isCompleted(watermark.number())) {
            Optional<String> reason = blocked.get();
            if (reason.isPresent()) {
                return reason;
            }
            if (cancellation.isRequested()) {
                return Optional.of("the reconciliation was cancelled");
            }
            if (clock.instant().isAfter(end)) {
                return Optional.of(
                        "rows whose changes lack large values were not read again for "
                                + STALLED.toMinutes()
                                + " minutes");
            }
            if (!lag.awaitProbe(CHECK_INTERVAL)) {
                return Optional.of("the service is stopping, or a new generation began");
            }
        }
        return Optional.empty();
    }

    private Wait awaitStored(WatermarkNumber watermark, Cancellation cancellation) {
        Remaining seen = remaining(watermark);
        Instant lastProgress = clock.instant();
        while (true) {
            Remaining now = remaining(watermark);
            Optional<WatermarkNumber> applied = lag.applied().appliedWatermark();
            if (applied.filter(number -> number.compareTo(watermark) >= 0).isPresent()) {
                return new Wait.Applied();
            }
            Optional<String> reason = blocked.get();
            if (reason.isPresent()) {
                return new Wait.GivenUp(reason.get());
            }
            if (!now.equals(seen)) {
                seen = now;
                lastProgress = clock.instant();
            } else if (!clock.instant().isBefore(lastProgress.plus(STALLED))) {
                return new Wait.GivenUp(
                        now.stalled(STALLED.toMinutes())
                                + " (waiting for watermark "
                                + watermark
                                + ", applied: "
                                + applied.map(WatermarkNumber::toString).orElse("unknown")
                                + ")");
            }
            if (cancellation.isRequested()) {
                return new Wait.GivenUp("the reconciliation was cancelled");
            }
            if (!lag.awaitProbe(CHECK_INTERVAL)) {
                return new Wait.GivenUp("the service is stopping, or a new generation began");
            }
        }
    }

    /// What has to advance until a watermark is applied: the capture while the watermark is not in
    /// the log, the offset of partitions that have not passed it, and the stored watermark of those
    /// that have passed it and hold a change from before it.
    record Remaining(
            long captured, Map<Integer, Long> nextOffsets, Map<Integer, WatermarkNumber> held) {

        /// @param captured number of changes in the log; 0 if the watermark is in the log
        static Remaining of(long captured, AppliedOffsets applied, WatermarkNumber watermark) {
            Map<Integer, Long> nextOffsets = new HashMap<>();
            Map<Integer, WatermarkNumber> held = new HashMap<>();
            for (StoredOffset stored : applied.partitions()) {
                WatermarkNumber passed = applied.passed().get(stored.partition());
                if (stored.watermark().compareTo(watermark) >= 0) {
                    continue;
                }
                if (passed != null && passed.compareTo(watermark) >= 0) {
                    held.put(stored.partition(), stored.watermark());
                } else {
                    nextOffsets.put(stored.partition(), stored.nextOffset());
                }
            }
            return new Remaining(captured, nextOffsets, held);
        }

        String stalled(long minutes) {
            return captured == 0 && nextOffsets.isEmpty() && !held.isEmpty()
                    ? "a key has been held for "
                            + minutes
                            + " minutes, because another row is in its way: see 'millrace rejected"
                            + " list'"
                    : "nothing was captured or applied for " + minutes + " minutes";
        }
    }

    private Remaining remaining(WatermarkNumber watermark) {
        SourcePosition position = capture.position();
        boolean logged = position != null && position.watermark() >= watermark.number();
        return Remaining.of(
                logged ? 0 : capture.events() + capture.ownChanges(), lag.applied(), watermark);
    }

    @Override
    public LongPredicate delivered() {
        return capture.delivered().asOfNow();
    }
}
