package dev.millrace.certificate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.postgres.Database;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class CertificateReaderIT {

    private static final char[] PASSWORD = "changeit".toCharArray();

    private static KeyStore keys;
    private static Path certificate;
    private static Path key;
    private static Instant expiry;

    @BeforeAll
    static void make() throws Exception {
        Path folder = TestFolders.create("expiry");
        Path store = folder.resolve("server.p12");
        certificate = folder.resolve("server.crt");
        keytool(store, "-genkeypair", "-keyalg", "EC", "-dname", "CN=127.0.0.1", "-validity", "30");
        keytool(store, "-exportcert", "-rfc", "-file", certificate.toString());
        keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD);
        }
        expiry = ((X509Certificate) keys.getCertificate("it")).getNotAfter().toInstant();
        key =
                Files.createFile(
                        folder.resolve("server.key"),
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
        Files.writeString(
                key,
                "-----BEGIN PRIVATE KEY-----\n"
                        + Base64.getMimeEncoder(64, new byte[] {'\n'})
                                .encodeToString(keys.getKey("it", PASSWORD).getEncoded())
                        + "\n-----END PRIVATE KEY-----\n");
    }

    private static void keytool(Path store, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(arguments));
        command.addAll(
                List.of("-alias", "it", "-keystore", store.toString(), "-storetype", "PKCS12"));
        command.addAll(List.of("-storepass", String.valueOf(PASSWORD)));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
    }

    @Test
    void readsWhatAPostgresServerShows() throws Exception {
        try (SandboxPostgres server =
                SandboxPostgres.start(
                        TestFolders.create("tls"),
                        SandboxSettings.fast(TestFolders.postgresBinaries())
                                .with("ssl", "on")
                                .with("ssl_cert_file", certificate.toString())
                                .with("ssl_key_file", key.toString()))) {
            assertThat(CertificateReader.ofPostgres("127.0.0.1", server.port())).contains(expiry);
        }
    }

    @Test
    void aServerWithoutTlsShowsNone() throws Exception {
        TestDatabase database = PostgresServer.shared().newDatabase();
        URI url = URI.create(database.url().substring("jdbc:".length()));

        assertThat(CertificateReader.ofPostgres(url.getHost(), url.getPort())).isEmpty();
    }

    /// A broker that wants a certificate of the client refuses the handshake after it has shown its
    /// own.
    @Test
    void readsWhatABrokerShowsThatRefusesTheClient() throws Exception {
        KeyManagerFactory managers =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        try (ServerSocket server =
                context.getServerSocketFactory()
                        .createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            ((SSLServerSocket) server).setNeedClientAuth(true);
            CompletableFuture<Boolean> refused =
                    CompletableFuture.supplyAsync(
                            () -> refuses(server), Thread::startVirtualThread);

            assertThat(CertificateReader.ofKafka("127.0.0.1", server.getLocalPort()))
                    .contains(expiry);
            assertThat(refused.join()).isTrue();
        }
    }

    private static boolean refuses(ServerSocket server) {
        try (SSLSocket socket = (SSLSocket) server.accept()) {
            socket.startHandshake();
            return false;
        } catch (IOException _) {
            return true;
        }
    }

    @Test
    void readsFiles() throws Exception {
        assertThat(CertificateReader.ofFile(certificate)).contains(expiry);
        assertThatThrownBy(() -> CertificateReader.ofFile(key)).isInstanceOf(IOException.class);
    }

    @Test
    void aUrlSaysWhetherTlsIsRequired() {
        try (Database plain = database("");
                Database preferred = database("?sslmode=prefer");
                Database verified =
                        database(
                                "?sslmode=verify-full&sslrootcert=/etc/ca.crt&sslcert=/etc/me.crt")) {
            assertThat(plain.encryption()).isEmpty();
            assertThat(preferred.encryption()).isEmpty();
            assertThat(verified.encryption())
                    .hasValueSatisfying(
                            found -> {
                                assertThat(found.servers())
                                        .extracting(each -> each.getHostString() + each.getPort())
                                        .containsExactly("db15432", "db25433");
                                assertThat(found.authority()).contains(Path.of("/etc/ca.crt"));
                                assertThat(found.client()).contains(Path.of("/etc/me.crt"));
                            });
        }
    }

    private static Database database(String parameters) {
        return new Database(
                "shop", "jdbc:postgresql://db1:5432,db2:5433/x" + parameters, "me", "secret");
    }
}
