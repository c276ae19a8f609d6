package dev.millrace.kafka;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import org.apache.kafka.common.config.types.Password;

/// How clients of the embedded broker prove who they are, as settings of the server and of its
/// clients. The password is random, lives as long as one start of the broker and is only kept in
/// memory. It goes over the loopback as it is (SASL/PLAIN), where no other user can listen. Kafka
/// supports PLAIN, unlike SCRAM, also between broker and controller.
record BrokerAccess(Map<String, Object> server, Map<String, Object> client) {

    private static final int PASSWORD_BYTES = 32;

    BrokerAccess {
        server = Map.copyOf(server);
        client = Map.copyOf(client);
    }

    /// Everybody who reaches the port is let in. Only for brokers that tests start in place of an
    /// external one.
    static BrokerAccess open() {
        return new BrokerAccess(Map.of(), Map.of());
    }

    static BrokerAccess withPassword() {
        byte[] random = new byte[PASSWORD_BYTES];
        new SecureRandom().nextBytes(random);
        String password = HexFormat.of().formatHex(random);
        String login =
                "org.apache.kafka.common.security.plain.PlainLoginModule required"
                        + " username=\"millrace\" password=\""
                        + password
                        + "\"";
        Password known = new Password(login + " user_millrace=\"" + password + "\";");
        return new BrokerAccess(
                Map.of(
                        "listener.security.protocol.map",
                        "BROKER:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
                        "sasl.enabled.mechanisms",
                        "PLAIN",
                        "sasl.mechanism.inter.broker.protocol",
                        "PLAIN",
                        "sasl.mechanism.controller.protocol",
                        "PLAIN",
                        "listener.name.broker.plain.sasl.jaas.config",
                        known,
                        "listener.name.controller.plain.sasl.jaas.config",
                        known),
                Map.of(
                        "security.protocol",
                        "SASL_PLAINTEXT",
                        "sasl.mechanism",
                        "PLAIN",
                        "sasl.jaas.config",
                        new Password(login + ";")));
    }
}
