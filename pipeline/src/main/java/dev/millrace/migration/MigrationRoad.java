package dev.millrace.migration;

import dev.millrace.broker.Broker;
import dev.millrace.broker.BrokerException;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.fault.Reason;
import dev.millrace.reconcile.Road;
import dev.millrace.reconcile.RoadBlocked;
import dev.millrace.source.SourceCapture;
import dev.millrace.source.Watermarks;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/// The running migration as the reconciler sees it.
record MigrationRoad(MigrationSetup setup, Broker broker, Watches watches, SourceCapture capture)
        implements Road {

    private static final long LOOK_AGAIN_MILLIS = 50;

    @Override
    public Map<Integer, Long> changesEnds() {
        try {
            return broker.ends(setup.topics().changes(), setup.partitions());
        } catch (BrokerException e) {
            throw new RoadBlocked(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public Marked emitWatermark() {
        try {
            Watermarks.Emitted emitted = watches.emit();
            return new Marked(emitted.number(), emitted.lsn());
        } catch (SQLException e) {
            throw new RoadBlocked("the source took no watermark: " + Reason.of(e), e);
        }
    }

    @Override
    public Wait awaitApplied(WatermarkNumber watermark, Instant deadline) {
        while (true) {
            Optional<WatermarkNumber> applied = watches.applied().appliedWatermark();
            if (applied.filter(number -> number.compareTo(watermark) >= 0).isPresent()) {
                return new Wait.Applied();
            }
            if (!setup.clock().instant().isBefore(deadline)) {
                return new Wait.TimedOut(
                        "watermark "
                                + watermark
                                + " was not applied in time; applied is "
                                + applied.map(WatermarkNumber::toString).orElse("unknown"));
            }
            if (!watches.awaitLook(LOOK_AGAIN_MILLIS)) {
                return new Wait.TimedOut("the service is stopping");
            }
        }
    }

    @Override
    public Delivery delivered(long transaction) {
        return switch (capture.delivered().answer(transaction)) {
            case YES -> Delivery.YES;
            case NO -> Delivery.NO;
            case UNKNOWN -> Delivery.UNKNOWN;
        };
    }
}
