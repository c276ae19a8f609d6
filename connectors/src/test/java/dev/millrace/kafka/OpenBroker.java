package dev.millrace.kafka;

import dev.millrace.sandbox.LoopbackPort;
import java.nio.file.Path;
import java.util.Map;

/// Starts the embedded broker without a password, as a substitute for an external Kafka.
public final class OpenBroker {

    private OpenBroker() {}

    public static EmbeddedBroker start(Path folder) {
        return start(folder, LoopbackPort.free());
    }

    /// A broker that tells its clients to connect to another port, that of a proxy before it. Its
    /// own connections do not use the proxy: with them it writes the markers of transactions.
    public static EmbeddedBroker start(Path folder, int port, int advertised) {
        int internal = LoopbackPort.free();
        int controller = LoopbackPort.free();
        return EmbeddedBroker.start(
                folder,
                port,
                new BrokerAccess(
                        Map.of(
                                "controller.quorum.voters",
                                "1@127.0.0.1:" + controller,
                                "listeners",
                                "BROKER://127.0.0.1:%d,INTERNAL://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d"
                                        .formatted(port, internal, controller),
                                "advertised.listeners",
                                "BROKER://127.0.0.1:%d,INTERNAL://127.0.0.1:%d"
                                        .formatted(advertised, internal),
                                "listener.security.protocol.map",
                                "BROKER:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
                                "inter.broker.listener.name",
                                "INTERNAL"),
                        Map.of()));
    }

    public static EmbeddedBroker start(Path folder, int port) {
        return EmbeddedBroker.start(folder, port, BrokerAccess.open());
    }
}
