package dev.millrace.preflight;

import static dev.millrace.preflight.PlantedFault.byHand;
import static dev.millrace.preflight.PlantedFault.pasted;

import dev.millrace.preflight.plan.CheckName;
import dev.millrace.testing.Certificates;
import dev.millrace.testing.Certificates.Issued;
import dev.millrace.testing.Certificates.Period;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A server with TLS, which is reached through a network, unencrypted and without a password.
///
/// @param address of this machine in a network
record SecurityFaults(String address, Certificates authority) {

    static Optional<String> ofThisMachine() {
        try {
            return NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .filter(each -> each.getAddress().length == 4 && !each.isLoopbackAddress())
                    .map(InetAddress::getHostAddress)
                    .findFirst();
        } catch (SocketException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<PlantedFault> faults() {
        return List.of(
                pasted(CheckName.SOURCE_TLS, "source.url", this::open),
                pasted(CheckName.TARGET_TLS, "target.url", _ -> {}),
                byHand(
                        CheckName.SOURCE_AUTHENTICATION,
                        "role ",
                        _ -> {},
                        scene -> ask(scene, CheckName.SOURCE_AUTHENTICATION)),
                byHand(
                        CheckName.TARGET_AUTHENTICATION,
                        "role ",
                        _ -> {},
                        scene -> ask(scene, CheckName.TARGET_AUTHENTICATION)));
    }

    /// A user of Kafka who may do nothing.
    static List<PlantedFault> ofKafkasUser(Path authority) {
        return List.of(
                pasted(
                        CheckName.KAFKA_PRIVILEGES,
                        "millrace.",
                        scene -> {
                            scene.customers();
                            scene.section("kafka").put("username", "millrace");
                            scene.section("kafka").put("password", "kafka-4711");
                            scene.section("kafka")
                                    .put(
                                            "properties",
                                            Map.of(
                                                    "ssl.truststore.type",
                                                    "PEM",
                                                    "ssl.truststore.location",
                                                    authority.toString()));
                        }),
                pasted(CheckName.KAFKA_PRIVILEGES, "cluster", _ -> {}),
                pasted(CheckName.SWITCHOVER_KAFKA, "millrace.", _ -> {}));
    }

    private void open(RemedyScene scene) {
        scene.customers();
        Issued server = authority.server(Period.NOW);
        scene.source(
                "ALTER SYSTEM SET ssl_key_file = '" + server.key() + "'",
                "ALTER SYSTEM SET ssl_cert_file = '" + server.certificate() + "'",
                "ALTER SYSTEM SET ssl = on");
        before(scene, "host all " + scene.role() + " " + address + "/32 trust");
        for (String side : List.of("source", "target")) {
            scene.section(side)
                    .compute(
                            "url",
                            (_, url) ->
                                    url
                                            + "?localSocketAddress="
                                            + address
                                            + "&sslmode=disable&sslrootcert="
                                            + authority.root());
        }
    }

    /// The line of the remedy, which ends with its method.
    private static void ask(RemedyScene scene, CheckName check) {
        before(scene, scene.advised(check).replaceFirst(".*: (host .* scram-sha-256) .*", "$1"));
    }

    private static void before(RemedyScene scene, String line) {
        Path file = Path.of(String.valueOf(scene.databases.source.value("SHOW hba_file")));
        try {
            Files.writeString(file, line + "\n" + Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        scene.source("SELECT pg_reload_conf()");
    }
}
