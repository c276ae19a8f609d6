package dev.millrace.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;

/// A certificate authority of a test, which signs certificates within milliseconds; the JDK's
/// keytool needs half a second for each. Files are PEM, and keys belong to their owner alone.
public final class Certificates {

    private static final DateTimeFormatter UTC_TIME =
            DateTimeFormatter.ofPattern("yyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final byte[] ECDSA_WITH_SHA256 = hex("300a06082a8648ce3d040302");
    private static final byte[] COMMON_NAME = hex("0603550403");
    private static final byte[] IS_AUTHORITY = hex("300f0603551d130101ff040530030101ff");
    private static final byte[] SUBJECT_ALTERNATIVE_NAME = hex("0603551d11");

    private final Path folder;
    private final String name;
    private final KeyPair keys;
    private final Path root;
    private int serial = 1;

    private Certificates(Path folder, String name, KeyPair keys) throws Exception {
        this.folder = folder;
        this.name = name;
        this.keys = keys;
        this.root =
                Files.writeString(
                        folder.resolve("ca.crt"),
                        pem("CERTIFICATE", signed(name, keys, Period.NOW, IS_AUTHORITY)));
    }

    /// A certificate with its private key.
    ///
    /// @param key PKCS #8 as PEM
    /// @param keyDer the same key as DER, which the PostgreSQL driver reads
    /// @param both key and certificate in one file, as Kafka reads them
    public record Issued(Path certificate, Path key, Path keyDer, Path both) {}

    /// When a certificate is valid.
    public enum Period {
        NOW(Duration.ofDays(-1), Duration.ofDays(10)),
        EXPIRED(Duration.ofDays(-10), Duration.ofDays(-5));

        private final Duration from;
        private final Duration to;

        Period(Duration from, Duration to) {
            this.from = from;
            this.to = to;
        }
    }

    public static Certificates authority() {
        try {
            return new Certificates(TestFolders.create("certificates"), "test authority", pair());
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /// The authority's certificate.
    public Path root() {
        return root;
    }

    /// A certificate of a server at 127.0.0.1.
    public Issued server(Period period) {
        return issue("127.0.0.1", period, hex("87047f000001"));
    }

    /// A certificate of a server with a name that nobody connects to.
    public Issued otherServer() {
        return issue("db.example", Period.NOW, element(0x82, ascii("db.example")));
    }

    /// A certificate of a client, whose name is that of its role.
    public Issued client(String role) {
        return issue(role, Period.NOW, element(0x82, ascii("client.example")));
    }

    private Issued issue(String subject, Period period, byte[] alternative) {
        try {
            KeyPair own = pair();
            serial++;
            byte[] names = sequence(SUBJECT_ALTERNATIVE_NAME, element(0x04, sequence(alternative)));
            String file = "certificate-" + serial;
            String certificate = pem("CERTIFICATE", signed(subject, own, period, names));
            String key = pem("PRIVATE KEY", own.getPrivate().getEncoded());
            return new Issued(
                    Files.writeString(folder.resolve(file + ".crt"), certificate),
                    secret(file + ".key", ascii(key)),
                    secret(file + ".pk8", own.getPrivate().getEncoded()),
                    secret(file + ".pem", ascii(key + certificate)));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private Path secret(String file, byte[] content) throws IOException {
        Path path = folder.resolve(file);
        Files.createFile(
                path,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        return Files.write(path, content);
    }

    private static KeyPair pair() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(256);
        return generator.generateKeyPair();
    }

    /// RFC 5280, section 4.1.
    private byte[] signed(String subject, KeyPair own, Period period, byte[] extension)
            throws GeneralSecurityException {
        Instant now = Instant.now();
        byte[] content =
                sequence(
                        element(0xa0, integer(2)),
                        integer(serial),
                        ECDSA_WITH_SHA256,
                        distinguished(name),
                        sequence(time(now.plus(period.from)), time(now.plus(period.to))),
                        distinguished(subject),
                        own.getPublic().getEncoded(),
                        element(0xa3, sequence(extension)));
        return sequence(content, ECDSA_WITH_SHA256, signature(content, keys.getPrivate()));
    }

    private static byte[] signature(byte[] content, PrivateKey key)
            throws GeneralSecurityException {
        Signature signature = Signature.getInstance("SHA256withECDSA");
        signature.initSign(key);
        signature.update(content);
        return element(0x03, joined(new byte[1], signature.sign()));
    }

    private static byte[] distinguished(String commonName) {
        return sequence(
                element(
                        0x31,
                        sequence(
                                COMMON_NAME,
                                element(0x0c, commonName.getBytes(StandardCharsets.UTF_8)))));
    }

    private static byte[] time(Instant instant) {
        return element(0x17, ascii(UTC_TIME.format(instant)));
    }

    private static byte[] integer(int value) {
        return element(0x02, BigInteger.valueOf(value).toByteArray());
    }

    private static byte[] sequence(byte[]... parts) {
        return element(0x30, joined(parts));
    }

    private static byte[] element(int tag, byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        if (content.length >= 0x80) {
            byte[] length = BigInteger.valueOf(content.length).toByteArray();
            int from = length[0] == 0 ? 1 : 0;
            out.write(0x80 | (length.length - from));
            out.write(length, from, length.length - from);
        } else {
            out.write(content.length);
        }
        out.writeBytes(content);
        return out.toByteArray();
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits);
    }

    private static String pem(String what, byte[] der) {
        return "-----BEGIN "
                + what
                + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
                + "\n-----END "
                + what
                + "-----\n";
    }
}
