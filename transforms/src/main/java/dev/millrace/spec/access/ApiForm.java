package dev.millrace.spec.access;

import dev.millrace.spec.path.FilePaths;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Binds `api` and checks it.
public record ApiForm(
        @Setting(
                        value =
                                "A PEM file with the certificate that the service shows, and with"
                                        + " the certificates of its issuers. With it, the service speaks TLS only. It"
                                        + " is read again when it changes.",
                        required = true,
                        examples = "/run/tls/tls.crt")
                @Nullable Scalar certificate,
        @Setting(
                        value = "A PEM file with the private key of the certificate.",
                        required = true,
                        examples = "/run/tls/tls.key")
                @Nullable Scalar key) {

    /// How the service speaks TLS.
    ///
    /// @param certificate absolute
    /// @param key absolute
    public record Tls(Path certificate, Path key) {}

    /// @param form `null` if the key is absent
    public static Optional<Tls> check(@Nullable ApiForm form, FilePaths paths, Problems problems) {
        if (form == null || form.certificate == null || form.key == null) {
            return Optional.empty();
        }
        Optional<Path> certificate = file(form.certificate, paths, problems);
        Optional<Path> key = file(form.key, paths, problems);
        return certificate.flatMap(one -> key.map(other -> new Tls(one, other)));
    }

    private static Optional<Path> file(Scalar name, FilePaths paths, Problems problems) {
        try {
            if (!name.text().isBlank()) {
                return Optional.of(paths.resolve(name.text()));
            }
        } catch (InvalidPathException _) {
            // Reported below.
        }
        problems.add(name, "is not the name of a file", "name a PEM file");
        return Optional.empty();
    }
}
