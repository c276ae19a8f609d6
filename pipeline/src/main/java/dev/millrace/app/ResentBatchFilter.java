package dev.millrace.app;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;

/// Drops one error of the embedded broker that is part of normal operation: a batch that arrives
/// before the batch in front of it was accepted. The producer sends both again, in order; when it
/// can't, it fails itself and the capture reports that. Everything else the broker logs stays.
/// Configured in `logback.xml`. Thread-safe.
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
