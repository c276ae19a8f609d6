package dev.millrace.app;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;

/// Drops one error of the embedded broker that occurs in normal operation: a batch arrives before
/// its predecessor was accepted. The producer resends both in order. If it cannot, the producer
/// fails and capture reports the failure. All other broker messages are kept. Configured in
/// `logback.xml`. Thread-safe.
public final class ResentBatchFilter extends TurboFilter {

    private static final String BROKER = "kafka.server.ReplicaManager";
    private static final String OUT_OF_ORDER =
            "org.apache.kafka.common.errors.OutOfOrderSequenceException";

    @Override
    public FilterReply decide(
            @Nullable Marker marker,
            Logger logger,
            Level level,
            @Nullable String format,
            Object @Nullable [] params,
            @Nullable Throwable t) {
        return t != null
                        && logger.getName().equals(BROKER)
                        && t.getClass().getName().equals(OUT_OF_ORDER)
                ? FilterReply.DENY
                : FilterReply.NEUTRAL;
    }
}
