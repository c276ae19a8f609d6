package dev.millrace.app;

import ch.qos.logback.classic.pattern.ThrowableProxyConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import dev.millrace.lifecycle.Fault;

/// Prints the exception of a log event, from any logger, without messages that may quote a row.
/// Configured in `logback.xml`. Thread-safe.
public final class FaultConverter extends ThrowableProxyConverter {

    @Override
    public String convert(ILoggingEvent event) {
        if (!(event.getThrowableProxy() instanceof ThrowableProxy known)) {
            return "";
        }
        return known.getThrowable() instanceof Fault
                ? throwableProxyToString(known)
                : throwableProxyToString(new ThrowableProxy(Fault.of(known.getThrowable())));
    }
}
