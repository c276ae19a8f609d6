package dev.millrace.spec;

import dev.millrace.spec.path.FilePaths;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.secret.SecretFile;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Reads a secret from its key or from the file that a second key names.
///
/// @param noun what the secret is, for messages: `password` or `token`
record SecretCheck(FilePaths paths, Problems problems, String noun) {

    /// @return null when a secret was given but could not be read; the problem is reported
    @Nullable Secret check(@Nullable Scalar written, @Nullable Scalar file) {
        if (written == null) {
            return file == null ? Secret.NONE : read(file);
        }
        if (written.text().isEmpty()) {
            problems.add(written, "is empty", "remove it if the server needs no " + noun);
            return null;
        }
        return Secret.of(written.text());
    }

    private @Nullable Secret read(Scalar given) {
        try {
            Path file = paths.resolve(given.text());
            if (Files.isDirectory(file)) {
                problems.add(given, "is a directory", "set it to a file in that directory");
                return null;
            }
            if (Files.size(file) > SecretFile.MOST_BYTES) {
                problems.add(
                        given, "is too large for a " + noun + " file", "set it to another file");
                return null;
            }
            SecretFile secret = SecretFile.read(file);
            if (secret.get().isEmpty()) {
                problems.add(given, "is empty", "write the " + noun + " to the file");
                return null;
            }
            return Secret.changing(secret);
        } catch (NoSuchFileException | InvalidPathException _) {
            problems.add(given, "there is no such file", "check that the secret is mounted");
        } catch (CharacterCodingException _) {
            problems.add(given, "is not UTF-8 text", "save the " + noun + " as UTF-8");
        } catch (IOException _) {
            problems.add(given, "cannot be read", "allow this user to read the file");
        }
        return null;
    }
}
