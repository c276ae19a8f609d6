package dev.millrace.app;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.core.encoder.EncoderBase;
import java.nio.charset.StandardCharsets;
import org.slf4j.event.KeyValuePair;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Encodes a log event as one line of JSON with the fields of the Elastic Common Schema. The
/// event's key-value pairs are under `millrace`. Configured in `logback.xml`. Thread-safe.
public final class EcsEncoder extends EncoderBase<ILoggingEvent> {

    private static final byte[] NOTHING = {};

    private final JsonMapper json = JsonMapper.shared();
    private final FaultConverter stackTrace = new FaultConverter();

    @Override
    public void start() {
        stackTrace.start();
        super.start();
    }

    @Override
    public byte[] headerBytes() {
        return NOTHING;
    }

    @Override
    public byte[] encode(ILoggingEvent event) {
        ObjectNode line = json.createObjectNode();
        line.put("@timestamp", event.getInstant().toString());
        line.putObject("log")
                .put("level", event.getLevel().toString())
                .put("logger", event.getLoggerName());
        line.putObject("process").putObject("thread").put("name", event.getThreadName());
        line.putObject("service").put("name", "millrace");
        line.put("message", event.getFormattedMessage());
        if (event.getKeyValuePairs() != null) {
            ObjectNode keys = line.putObject("millrace");
            for (KeyValuePair pair : event.getKeyValuePairs()) {
                keys.put(pair.key, String.valueOf(pair.value));
            }
        }
        IThrowableProxy fault = event.getThrowableProxy();
        if (fault != null) {
            line.putObject("error")
                    .put("type", fault.getClassName())
                    .put("stack_trace", stackTrace.convert(event));
        }
        line.putObject("ecs").put("version", "8.11");
        return (json.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] footerBytes() {
        return NOTHING;
    }
}
