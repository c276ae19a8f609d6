package dev.millrace.spec.secret;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/// Reads a secret from a file, again for each use, so that a rotated secret is used without a
/// restart. While the file is missing, empty, too long or unreadable, as in the middle of a
/// rotation, the last secret stays: the login shows whether it is still valid. Thread-safe.
public final class SecretFile implements Supplier<String> {

    /// A longer file contains no secret.
    public static final int MOST_BYTES = 64 * 1024;

    private final Path file;
    private volatile String last;

    private SecretFile(Path file, String last) {
        this.file = file;
        this.last = last;
    }

    /// @throws java.nio.charset.CharacterCodingException if the file is not UTF-8 text
    public static SecretFile read(Path file) throws IOException {
        return new SecretFile(file, content(file));
    }

    /// Without a newline at its end.
    private static String content(Path file) throws IOException {
        return StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
                .toString()
                .replaceFirst("\\r?\\n\\z", "");
    }

    /// The current secret; empty if the file was empty when it was read first.
    @Override
    public String get() {
        try {
            String now = Files.size(file) > MOST_BYTES ? "" : content(file);
            if (!now.isEmpty()) {
                last = now;
            }
        } catch (IOException _) {
            return last;
        }
        return last;
    }
}
