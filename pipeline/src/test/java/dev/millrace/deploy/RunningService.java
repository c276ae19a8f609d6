package dev.millrace.deploy;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.awaitility.Awaitility;

/// The service as a process with the command and environment of its container.
final class RunningService implements AutoCloseable {

    private static final Pattern BACKFILLED =
            Pattern.compile("\"phase\"\\s*:\\s*\"(CATCHING_UP|IN_SYNC)\"");

    private final HttpClient http;
    private final Process process;
    private final Path output;
    private final String token;
    private final String url;

    /// @param authority the certificate of the service; empty without TLS
    RunningService(
            Path folder,
            Map<String, String> environment,
            List<String> arguments,
            int port,
            Optional<Path> authority) {
        this.http = client(authority);
        this.output = folder.resolve("service.log");
        this.token = environment.getOrDefault(Served.TOKEN, "");
        this.url = (authority.isPresent() ? "https" : "http") + "://127.0.0.1:" + port;
        this.process = MillraceProgram.start(folder, environment, arguments, output);
    }

    private static HttpClient client(Optional<Path> authority) {
        HttpClient.Builder client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2));
        authority.ifPresent(file -> client.sslContext(trusting(file)));
        return client.build();
    }

    private static SSLContext trusting(Path certificate) {
        try (InputStream in = Files.newInputStream(certificate)) {
            KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
            trusted.load(null, null);
            trusted.setCertificateEntry(
                    "service", CertificateFactory.getInstance("X.509").generateCertificate(in));
            TrustManagerFactory trust =
                    TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    String url() {
        return url;
    }

    void awaitAnswer(String path, int status, Duration atMost) {
        Awaitility.await(path)
                .atMost(atMost)
                .pollInterval(Duration.ofMillis(200))
                .until(
                        () -> {
                            if (!process.isAlive()) {
                                throw new IllegalStateException("the service ended:\n" + output());
                            }
                            return without(path) == status;
                        });
    }

    /// Waits until the snapshot is complete: a comparison is refused before.
    void awaitBackfill(Duration atMost) {
        Awaitility.await("backfill")
                .atMost(atMost)
                .pollInterval(Duration.ofMillis(200))
                .until(() -> BACKFILLED.matcher(with("/api/v1/status")).find());
    }

    /// HTTP status without a token; 0 if there is no response.
    int without(String path) {
        return send(HttpRequest.newBuilder(at(path)).build());
    }

    String with(String path) throws IOException {
        HttpRequest request =
                HttpRequest.newBuilder(at(path)).header("Authorization", "Bearer " + token).build();
        try {
            HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
            if (answer.statusCode() != 200) {
                throw new IOException(path + " returned " + answer.statusCode());
            }
            return answer.body();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    /// Sends SIGTERM and returns the exit code.
    ///
    /// @throws IllegalStateException if the process does not end within the grace period
    int terminate(Duration grace) throws InterruptedException {
        process.destroy();
        if (!process.waitFor(grace.toSeconds(), TimeUnit.SECONDS)) {
            throw new IllegalStateException("did not end within " + grace + ":\n" + output());
        }
        return process.exitValue();
    }

    String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private URI at(String path) {
        return URI.create(url + path);
    }

    private int send(HttpRequest request) {
        try {
            return http.send(request, BodyHandlers.discarding()).statusCode();
        } catch (IOException _) {
            return 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 0;
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
