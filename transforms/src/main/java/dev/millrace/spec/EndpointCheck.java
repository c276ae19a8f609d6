package dev.millrace.spec;

import dev.millrace.spec.MigrationSpec.Endpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Checks the address of one database and reads its password.
final class EndpointCheck {

    private static final int LONGEST_PASSWORD_FILE = 64 * 1024;

    private final FilePaths paths;
    private final Problems problems;

    EndpointCheck(FilePaths paths, Problems problems) {
        this.paths = paths;
        this.problems = problems;
    }

    @Nullable Endpoint check(SpecForm.EndpointForm form) {
        if (form.url() != null) {
            new UrlCheck(problems).check(form.url());
        }
        if (form.username() != null && form.username().text().isBlank()) {
            problems.add(form.username(), "is empty", "set it to the role to connect as");
        }
        Secret password = password(form);
        if (form.url() == null || form.username() == null || password == null) {
            return null;
        }
        return new Endpoint(paths.inUrl(form.url().text()), form.username().text(), password);
    }

    /// @return null when a password was given but could not be read; the problem is reported
    private @Nullable Secret password(SpecForm.EndpointForm form) {
        if (form.password() != null) {
            if (form.password().text().isEmpty()) {
                problems.add(
                        form.password(), "is empty", "remove it if the server needs no password");
                return null;
            }
            return Secret.of(form.password().text());
        }
        return form.passwordFile() == null ? Secret.NONE : read(form.passwordFile());
    }

    private @Nullable Secret read(Scalar passwordFile) {
        try {
            Path file = paths.resolve(passwordFile.text());
            if (Files.isDirectory(file)) {
                problems.add(passwordFile, "is a directory", "set it to a file in that directory");
                return null;
            }
            if (Files.size(file) > LONGEST_PASSWORD_FILE) {
                problems.add(
                        passwordFile,
                        "is too large for a password file",
                        "set it to" + " another file");
                return null;
            }
            String content =
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
                            .toString();
            String password = content.replaceFirst("\\r?\\n\\z", "");
            if (password.isEmpty()) {
                problems.add(passwordFile, "is empty", "write the password to the file");
                return null;
            }
            return Secret.of(password);
        } catch (NoSuchFileException | InvalidPathException _) {
            problems.add(passwordFile, "there is no such file", "check that the secret is mounted");
        } catch (CharacterCodingException _) {
            problems.add(passwordFile, "is not UTF-8 text", "save the password as UTF-8");
        } catch (IOException _) {
            problems.add(passwordFile, "cannot be read", "allow this user to read the file");
        }
        return null;
    }
}
