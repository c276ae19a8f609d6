package dev.millrace.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.postgres.watch.KeepAliveSockets;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class KeepAliveSocketsTest {

    private static final char[] PASSWORD = "password".toCharArray();

    private final AtomicLong written = new AtomicLong();

    /// The server reads nothing after the handshake, like one that the network has lost.
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aTlsSocketIsClosedWhileAnotherThreadWrites() throws Exception {
        SSLContext tls = context();
        try (SSLServerSocket listener =
                        (SSLServerSocket)
                                tls.getServerSocketFactory()
                                        .createServerSocket(
                                                0, 1, InetAddress.getLoopbackAddress());
                Socket plain =
                        new KeepAliveSockets()
                                .createSocket(
                                        InetAddress.getLoopbackAddress(),
                                        listener.getLocalPort())) {
            FutureTask<SSLSocket> accepted = new FutureTask<>(() -> accept(listener));
            Thread.ofPlatform().daemon().start(accepted);
            SSLSocket client =
                    (SSLSocket)
                            tls.getSocketFactory()
                                    .createSocket(plain, "localhost", plain.getPort(), true);
            client.startHandshake();
            accepted.get();
            FutureTask<Void> writing = new FutureTask<>(() -> writeForEver(client));
            Thread writer = Thread.ofPlatform().daemon().start(writing);
            AtomicLong before = new AtomicLong();
            Awaitility.await()
                    .until(() -> before.getAndSet(written.get()) == written.get() && isIn(writer));

            client.close();

            assertThatThrownBy(writing::get)
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(IOException.class);
            assertThat(plain.isClosed()).isTrue();
            accepted.get().close();
        }
    }

    private static SSLSocket accept(SSLServerSocket listener) throws IOException {
        SSLSocket socket = (SSLSocket) listener.accept();
        socket.startHandshake();
        return socket;
    }

    private Void writeForEver(SSLSocket socket) throws IOException {
        byte[] bytes = new byte[1 << 16];
        while (true) {
            socket.getOutputStream().write(bytes);
            written.addAndGet(bytes.length);
        }
    }

    private static boolean isIn(Thread writer) {
        return Stream.of(writer.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("write0"));
    }

    /// Both sides know the same key.
    private static SSLContext context() throws Exception {
        Path file = TestFolders.create("keys").resolve("keys.p12");
        int ended =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-keyalg",
                                "EC",
                                "-alias",
                                "server",
                                "-dname",
                                "CN=localhost",
                                "-storetype",
                                "PKCS12",
                                "-keystore",
                                file.toString(),
                                "-storepass",
                                new String(PASSWORD))
                        .inheritIO()
                        .start()
                        .waitFor();
        assertThat(ended).isZero();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream stored = Files.newInputStream(file)) {
            keys.load(stored, PASSWORD);
        }
        KeyManagerFactory own =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        own.init(keys, PASSWORD);
        TrustManagerFactory trusted =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusted.init(keys);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), trusted.getTrustManagers(), null);
        return context;
    }
}
