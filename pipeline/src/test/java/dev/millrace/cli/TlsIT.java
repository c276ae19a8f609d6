package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.app.ServiceScene;
import dev.millrace.spec.access.ApiForm.Tls;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The API over TLS: whom the command line trusts, and a certificate that is replaced.
class TlsIT {

    private static final String PASSWORD = "changeit";

    @TempDir private static Path folder;
    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        for (String name : List.of("one", "two")) {
            make(name);
        }
        install("one");
        scene = ServiceScene.encrypted(new Tls(path("tls.crt"), path("tls.key")));
    }

    private static Path path(String name) {
        return folder.resolve(name);
    }

    /// A key and its own certificate, for the name localhost.
    private static void make(String name) throws Exception {
        Process keytool =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-alias",
                                "k",
                                "-keyalg",
                                "EC",
                                "-groupname",
                                "secp256r1",
                                "-dname",
                                "CN=" + name,
                                "-ext",
                                "SAN=dns:localhost",
                                "-storetype",
                                "PKCS12",
                                "-keystore",
                                path(name + ".p12").toString(),
                                "-storepass",
                                PASSWORD)
                        .redirectErrorStream(true)
                        .redirectOutput(path(name + ".log").toFile())
                        .start();
        assertThat(keytool.waitFor()).isZero();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(path(name + ".p12"))) {
            store.load(in, PASSWORD.toCharArray());
        }
        pem(name + ".crt", "CERTIFICATE", store.getCertificate("k").getEncoded());
        pem(name + ".key", "PRIVATE KEY", store.getKey("k", PASSWORD.toCharArray()).getEncoded());
    }

    private static void pem(String file, String type, byte[] bytes) throws IOException {
        Files.writeString(
                path(file),
                "-----BEGIN %s-----\n%s\n-----END %s-----\n"
                        .formatted(
                                type,
                                Base64.getMimeEncoder(64, new byte[] {10}).encodeToString(bytes),
                                type));
    }

    private static void install(String name) throws IOException {
        for (String kind : List.of("crt", "key")) {
            Path next = path("next." + kind);
            Files.copy(path(name + "." + kind), next, StandardCopyOption.REPLACE_EXISTING);
            Files.move(next, path("tls." + kind), StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static Invocation status(String host, Map<String, String> more, String... options) {
        Map<String, String> environment = new HashMap<>(more);
        environment.put("MILLRACE_TOKEN", "a-token-of-some-length");
        String[] line =
                Stream.concat(
                                Stream.of(
                                        "status", "--url", "https://" + host + ":" + scene.port()),
                                Stream.of(options))
                        .toArray(String[]::new);
        return new Invocation().with(environment).run(line);
    }

    @Test
    void theCommandLineTrustsTheAuthorityThatItIsGiven() {
        Invocation option = status("localhost", Map.of(), "--ca", path("one.crt").toString());
        Invocation variable =
                status("localhost", Map.of("MILLRACE_CA", path("one.crt").toString()));

        assertThat(option.exitCode()).as(option.err()).isZero();
        assertThat(variable.exitCode()).as(variable.err()).isZero();
        assertThat(option.out()).contains("shop");
    }

    /// Another program that listens there would get the token.
    @ParameterizedTest
    @CsvSource({"localhost,", "localhost, two.crt", "127.0.0.1, one.crt"})
    void theCommandLineTrustsNothingElse(String host, String authority) {
        Invocation verb =
                authority == null
                        ? status(host, Map.of())
                        : status(host, Map.of(), "--ca", path(authority).toString());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err()).contains("is not trusted", "--ca");
    }

    @Test
    void aFileThatIsNoAuthorityIsNamed() {
        Invocation verb = status("localhost", Map.of(), "--ca", path("one.key").toString());

        assertThat(verb.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(verb.err()).contains("one.key", "cannot be read as PEM certificates");
    }

    @Test
    void nothingIsAnsweredWithoutTls() {
        Invocation verb =
                new Invocation()
                        .with(Map.of("MILLRACE_TOKEN", "a-token-of-some-length"))
                        .run("status", "--url", "http://localhost:" + scene.port());

        assertThat(verb.exitCode()).isNotZero();
        assertThat(verb.out()).isEmpty();
    }

    @Test
    void cookiesAreOnlySentOverTls() throws Exception {
        HttpResponse<String> page = get("one.crt", "/login");
        assertThat(page.statusCode()).isEqualTo(200);
        String token = page.body().replaceFirst("(?s).*name=\"_csrf\" value=\"([^\"]+)\".*", "$1");
        HttpResponse<String> login =
                send(
                        "one.crt",
                        "/login",
                        HttpRequest.newBuilder()
                                .header("Content-Type", "application/x-www-form-urlencoded")
                                .header("Cookie", cookies(page).getFirst().replaceFirst(";.*", ""))
                                .POST(
                                        HttpRequest.BodyPublishers.ofString(
                                                "token=a-token-of-some-length&_csrf="
                                                        + URLEncoder.encode(
                                                                token, StandardCharsets.UTF_8))));

        assertThat(login.headers().firstValue("Location").orElse("")).endsWith("/");
        assertThat(cookies(page)).isNotEmpty().allMatch(cookie -> cookie.contains("Secure"));
        assertThat(cookies(login))
                .anyMatch(cookie -> cookie.matches("millrace-\\d+=.+; HttpOnly.*"))
                .allMatch(cookie -> cookie.contains("Secure"));
        // It would concern all other ports of the host too.
        assertThat(page.headers().firstValue("Strict-Transport-Security")).isEmpty();
    }

    private static List<String> cookies(HttpResponse<String> answer) {
        return answer.headers().allValues("Set-Cookie");
    }

    private static HttpResponse<String> get(String authority, String path) throws Exception {
        return send(authority, path, HttpRequest.newBuilder());
    }

    private static HttpResponse<String> send(
            String authority, String path, HttpRequest.Builder request) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream in = Files.newInputStream(path(authority))) {
            trusted.setCertificateEntry(
                    "one", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        try (HttpClient client = HttpClient.newBuilder().sslContext(context).build()) {
            return client.send(
                    request.uri(URI.create("https://localhost:" + scene.port() + path)).build(),
                    HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        }
    }

    @Test
    void aReplacedCertificateIsUsedWithoutARestart() throws Exception {
        install("two");
        try {
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .ignoreExceptionsInstanceOf(IOException.class)
                    .until(() -> get("two.crt", "/login").statusCode() == 200);
            assertThatThrownBy(() -> get("one.crt", "/login")).isInstanceOf(IOException.class);
        } finally {
            install("one");
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .ignoreExceptionsInstanceOf(IOException.class)
                    .until(() -> get("one.crt", "/login").statusCode() == 200);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "none.crt, one.key, 'certificate of the API, FOLDER/none.crt, cannot be used: there is no such file'",
        "one.key, one.key, 'certificate of the API, FOLDER/one.key, cannot be used: it is not a PEM file'",
        "one.crt, one.log, 'key of the API, FOLDER/one.log, cannot be used: it is not a PEM file'",
        "one.crt, two.key, 'key of the API, FOLDER/two.key, cannot be used: it is not the key'"
    })
    void refusesFilesThatCannotBeUsed(String certificate, String key, String message) {
        assertThatThrownBy(() -> ServiceScene.encrypted(new Tls(path(certificate), path(key))))
                .isInstanceOf(CommandFailure.class)
                .hasMessageContaining(message.replace("FOLDER", folder.toString()));
    }
}
