package dev.millrace.certificate;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/// Reads when certificates expire: of PEM files, and of servers, by a TLS handshake after which the
/// connection is closed. Of several certificates, the first to expire counts. Stateless.
public final class CertificateReader {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    /// PostgreSQL's SSLRequest: its length and its code.
    private static final int REQUEST_BYTES = 8;

    private static final int REQUEST_CODE = 80_877_103;
    private static final int ACCEPTED = 'S';

    /// Until when a certificate is valid.
    ///
    /// @param certificate whose it is, and where: `source server`, `target client`, `kafka
    ///   authority`
    public record Expiry(String certificate, Instant expiresAt) {}

    private CertificateReader() {}

    /// @return empty if the file contains no certificate
    /// @throws IOException if the file cannot be read, or is not a list of certificates
    public static Optional<Instant> ofFile(Path pem) throws IOException {
        try (InputStream file = Files.newInputStream(pem)) {
            return earliest(CertificateFactory.getInstance("X.509").generateCertificates(file));
        } catch (GeneralSecurityException e) {
            throw new IOException("Not a list of certificates: " + pem, e);
        }
    }

    /// The certificates that a PostgreSQL server shows.
    ///
    /// @return empty if the server has TLS switched off
    /// @throws IOException if the server does not answer
    public static Optional<Instant> ofPostgres(String host, int port) throws IOException {
        try (Socket socket = connect(host, port)) {
            DataOutputStream request = new DataOutputStream(socket.getOutputStream());
            request.writeInt(REQUEST_BYTES);
            request.writeInt(REQUEST_CODE);
            request.flush();
            return new DataInputStream(socket.getInputStream()).read() == ACCEPTED
                    ? shown(socket, host, port)
                    : Optional.empty();
        }
    }

    /// The certificates that a Kafka broker shows at a port with TLS.
    ///
    /// @throws IOException if the broker does not answer, or has no TLS at this port
    public static Optional<Instant> ofKafka(String host, int port) throws IOException {
        try (Socket socket = connect(host, port)) {
            return shown(socket, host, port);
        }
    }

    private static Socket connect(String host, int port) throws IOException {
        Socket socket = new Socket();
        try {
            socket.connect(new InetSocketAddress(host, port), Math.toIntExact(TIMEOUT.toMillis()));
            socket.setSoTimeout(Math.toIntExact(TIMEOUT.toMillis()));
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private static Optional<Instant> shown(Socket plain, String host, int port) throws IOException {
        Shown shown = new Shown();
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {shown}, new SecureRandom());
            try (SSLSocket socket =
                    (SSLSocket) context.getSocketFactory().createSocket(plain, host, port, true)) {
                socket.startHandshake();
            }
        } catch (GeneralSecurityException e) {
            throw new IOException("TLS is not available in this JVM.", e);
        } catch (SSLException e) {
            // A server that wants a certificate of the client has shown its own before.
            if (shown.chain == null) {
                throw e;
            }
        }
        return shown.chain == null ? Optional.empty() : earliest(List.of(shown.chain));
    }

    private static Optional<Instant> earliest(Collection<? extends Certificate> certificates) {
        return certificates.stream()
                .flatMap(
                        each ->
                                each instanceof X509Certificate known
                                        ? Stream.of(known.getNotAfter().toInstant())
                                        : Stream.empty())
                .min(Instant::compareTo);
    }

    /// Notes what the server shows. Nothing is sent over the connection, so nothing depends on it.
    private static final class Shown implements X509TrustManager {

        private X509Certificate @Nullable [] chain;

        @Override
        public void checkClientTrusted(X509Certificate[] certificates, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] certificates, String type) {
            chain = certificates.clone();
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
