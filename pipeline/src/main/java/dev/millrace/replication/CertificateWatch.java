package dev.millrace.replication;

import dev.millrace.certificate.CertificateReader;
import dev.millrace.certificate.CertificateReader.Expiry;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Database.Encryption;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Knows when the certificates expire that the connections of a migration use: those that the
/// servers show, and those in files, also of the API. One that cannot be read keeps the time that
/// was known, if any. [#read] is confined to one thread; [#certificates] is thread-safe.
public final class CertificateWatch {

    /// How often [#read] should be called.
    public static final Duration INTERVAL = Duration.ofMinutes(10);

    private static final Logger LOG = LoggerFactory.getLogger(CertificateWatch.class);

    private interface Reading {
        Optional<Instant> read() throws IOException;
    }

    private final Database source;
    private final Database target;
    private final Map<String, Object> kafka;
    private final Optional<Path> api;
    private volatile List<Expiry> certificates = List.of();

    /// @param kafka the settings of its clients
    /// @param api the certificate that the service shows
    public CertificateWatch(
            Database source, Database target, Map<String, Object> kafka, Optional<Path> api) {
        this.source = source;
        this.target = target;
        this.kafka = Map.copyOf(kafka);
        this.api = api;
    }

    public List<Expiry> certificates() {
        return certificates;
    }

    public void read() {
        List<Expiry> found = new ArrayList<>();
        read(found, "source", source);
        read(found, "target", target);
        readKafka(found);
        file(found, "api server", api);
        // One that cannot be read now expires no later than was known.
        certificates.stream()
                .filter(
                        old ->
                                found.stream()
                                        .noneMatch(
                                                each ->
                                                        each.certificate()
                                                                .equals(old.certificate())))
                .forEach(found::add);
        certificates = List.copyOf(found);
    }

    private static void read(List<Expiry> found, String side, Database database) {
        Optional<Encryption> encryption = database.encryption();
        if (encryption.isEmpty()) {
            return;
        }
        encryption
                .get()
                .servers()
                .forEach(
                        server ->
                                add(
                                        found,
                                        side + " server",
                                        () ->
                                                CertificateReader.ofPostgres(
                                                        server.getHostString(), server.getPort())));
        file(found, side + " authority", encryption.get().authority());
        file(found, side + " client", encryption.get().client());
    }

    private void readKafka(List<Expiry> found) {
        String protocol = String.valueOf(kafka.get("security.protocol"));
        if (!protocol.endsWith("SSL")) {
            return;
        }
        for (String server : String.valueOf(kafka.get("bootstrap.servers")).split(",", -1)) {
            int colon = server.lastIndexOf(':');
            if (colon > 0) {
                add(
                        found,
                        "kafka server",
                        () ->
                                CertificateReader.ofKafka(
                                        server.substring(0, colon).strip(),
                                        Integer.parseInt(server.substring(colon + 1).strip())));
            }
        }
        file(found, "kafka authority", pem(kafka, "ssl.truststore"));
        file(found, "kafka client", pem(kafka, "ssl.keystore"));
    }

    private static Optional<Path> pem(Map<String, Object> kafka, String store) {
        return "PEM".equals(kafka.get(store + ".type"))
                ? Optional.ofNullable(kafka.get(store + ".location"))
                        .map(String::valueOf)
                        .map(Path::of)
                : Optional.empty();
    }

    private static void file(List<Expiry> found, String name, Optional<Path> pem) {
        pem.ifPresent(file -> add(found, name, () -> CertificateReader.ofFile(file)));
    }

    /// Of several servers, the certificate that expires first is shown.
    private static void add(List<Expiry> found, String name, Reading reading) {
        Optional<Instant> at;
        try {
            at = reading.read();
        } catch (IOException e) {
            LOG.atDebug().addKeyValue("certificate", name).setCause(e).log("certificate not read");
            return;
        }
        if (at.isEmpty()) {
            return;
        }
        Expiry read = new Expiry(name, at.get());
        Optional<Expiry> known =
                found.stream().filter(each -> each.certificate().equals(name)).findFirst();
        if (known.isEmpty()) {
            found.add(read);
        } else if (read.expiresAt().isBefore(known.get().expiresAt())) {
            found.set(found.indexOf(known.get()), read);
        }
    }
}
