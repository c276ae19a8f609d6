package dev.millrace.kafka;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import org.apache.kafka.common.config.types.Password;

/// Authentication of clients of the embedded broker, as settings of the server and of its clients.
/// The password is random, valid for one start of the broker, and kept only in memory. It is sent
/// in clear text over the loopback interface (SASL/PLAIN), where no other user can listen. Kafka
/// supports PLAIN, unlike SCRAM, also between broker and controller. Immutable.
record BrokerAccess(Map<String, Object> server, Map<String, Object> client) {

    private static final int PASSWORD_BYTES = 32;

    BrokerAccess {
        server = Map.copyOf(server);
        client = Map.copyOf(client);
    }

    /// No authentication. Only for tests, as a substitute for an external broker.
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
        Password serverLogin = new Password(login + " user_millrace=\"" + password + "\";");
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
                        serverLogin,
                        "listener.name.controller.plain.sasl.jaas.config",
                        serverLogin),
                Map.of(
                        "security.protocol",
                        "SASL_PLAINTEXT",
                        "sasl.mechanism",
                        "PLAIN",
                        "sasl.jaas.config",
                        new Password(login + ";")));
    }
}
