package dev.millrace.broker;

import dev.millrace.local.LoopbackPort;
import java.nio.file.Path;

/// Starts the embedded broker without a password, in place of an external Kafka.
public final class OpenBroker {

    private OpenBroker() {}

    public static EmbeddedBroker start(Path folder) {
        return start(folder, LoopbackPort.free());
    }

    public static EmbeddedBroker start(Path folder, int port) {
        return EmbeddedBroker.start(folder, port, BrokerAccess.open());
    }
}
