package dev.millrace.app;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.spec.access.ApiForm.Tls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.springframework.boot.ssl.pem.PemContent;

/// The certificate of the API: checks it before the service starts, and says how Spring reads it.
/// Stateless.
final class ApiCertificate {

    private static final String BUNDLE = "spring.ssl.bundle.pem.api.";

    private static final byte[] PROBE = {1, 2, 3};

    private ApiCertificate() {}

    /// @throws CommandFailure if a file cannot be used
    static void check(Tls tls) {
        List<X509Certificate> chain =
                read(tls.certificate(), "certificate", PemContent::getCertificates);
        PrivateKey key = read(tls.key(), "key", PemContent::getPrivateKey);
        if (!isKeyOf(chain.getFirst(), key)) {
            throw unusable(tls.key(), "key", "it is not the key of the certificate");
        }
    }

    private static boolean isKeyOf(X509Certificate certificate, PrivateKey key) {
        String algorithm =
                switch (key.getAlgorithm()) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    default -> key.getAlgorithm();
                };
        try {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(PROBE);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(PROBE);
            return signature.verify(signed);
        } catch (GeneralSecurityException _) {
            return false;
        }
    }

    private static <T> T read(Path file, String what, Function<PemContent, T> part) {
        if (!Files.isReadable(file)) {
            throw unusable(file, what, "there is no such file that this user may read");
        }
        T found;
        try {
            found = part.apply(PemContent.load(file));
        } catch (IOException | RuntimeException e) {
            // The text of the exception may contain a part of the key.
            throw unusable(
                    file,
                    what,
                    "it is not a PEM file with a "
                            + what
                            + " ("
                            + e.getClass().getSimpleName()
                            + ")");
        }
        if (found == null || found instanceof List<?> list && list.isEmpty()) {
            throw unusable(file, what, "it is not a PEM file with a " + what);
        }
        return found;
    }

    private static CommandFailure unusable(Path file, String what, String why) {
        return new CommandFailure(
                ExitCode.USAGE,
                "The %s of the API, %s, cannot be used: %s.".formatted(what, file, why),
                "Set api.certificate and api.key to the PEM files of one certificate.");
    }

    /// Two files change one after the other, so both are read when nothing has changed for a while.
    static Map<String, Object> settings(Tls tls) {
        return Map.of(
                "server.ssl.bundle",
                "api",
                BUNDLE + "keystore.certificate",
                tls.certificate().toUri().toString(),
                BUNDLE + "keystore.private-key",
                tls.key().toUri().toString(),
                BUNDLE + "keystore.verify-keys",
                true,
                BUNDLE + "reload-on-update",
                true,
                "spring.ssl.bundle.watch.file.quiet-period",
                "2s");
    }
}
