package dev.millrace.kafka;

import dev.millrace.sandbox.LoopbackPort;
import java.nio.file.Path;

/// Starts the embedded broker without a password, as a substitute for an external Kafka.
public final class OpenBroker {

    private OpenBroker() {}

    public static EmbeddedBroker start(Path folder) {
        return start(folder, LoopbackPort.free());
    }

    public static EmbeddedBroker start(Path folder, int port) {
        return EmbeddedBroker.start(folder, port, BrokerAccess.open());
    }
}
