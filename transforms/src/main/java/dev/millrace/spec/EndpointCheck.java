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
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Checks an address and finds its password. The address is never printed: it may hold what it must
/// not.
final class EndpointCheck {

    private static final Pattern URL =
            Pattern.compile(
                    "jdbc:postgresql://(?<hosts>[^/?]*)(?<database>/[^?]*)?(?:\\?(?<query>.*))?");
    private static final Pattern HOST =
            Pattern.compile("(?:\\[[0-9A-Fa-f:.%]+]|[^\\s:\\[\\]]+)(?::(?<port>\\d{1,5}))?");
    private static final Set<String> CREDENTIALS = Set.of("user", "password", "sslpassword");
    private static final int LONGEST_PASSWORD_FILE = 64 * 1024;

    private final Problems problems;

    EndpointCheck(Problems problems) {
        this.problems = problems;
    }

    @Nullable Endpoint check(SpecForm.EndpointForm form) {
        if (form.url() != null) {
            checkUrl(form.url());
        }
        if (form.username() != null && form.username().text().isBlank()) {
            problems.add(form.username(), "is empty", "name the role to connect as");
        }
        Secret password = password(form);
        if (form.url() == null || form.username() == null || password == null) {
            return null;
        }
        return new Endpoint(form.url().text(), form.username().text(), password);
    }

    private void checkUrl(Scalar url) {
        Matcher parts = URL.matcher(url.text());
        if (!parts.matches()) {
            problems.add(
                    url,
                    "must begin with jdbc:postgresql:// and be of one line",
                    "jdbc:postgresql://host:port/database");
            return;
        }
        if (parts.group("hosts").contains("@") || holdsCredentials(parts.group("query"))) {
            problems.add(
                    url,
                    "holds credentials, and an address is printed in messages",
                    "use username and password or password-file");
            return;
        }
        for (String host : parts.group("hosts").split(",", -1)) {
            Matcher one = HOST.matcher(host);
            if (!one.matches() || !isPort(one.group("port"))) {
                problems.add(
                        url,
                        "names no host, or a port that is none",
                        "jdbc:postgresql://host:port/database");
                return;
            }
        }
        String database = parts.group("database");
        if (database == null || database.length() < 2) {
            problems.add(url, "names no database", "jdbc:postgresql://host:port/database");
        }
    }

    private static boolean isPort(@Nullable String port) {
        return port == null || (Integer.parseInt(port) >= 1 && Integer.parseInt(port) <= 65535);
    }

    private static boolean holdsCredentials(@Nullable String query) {
        if (query == null) {
            return false;
        }
        for (String parameter : query.split("&", -1)) {
            String name = parameter.split("=", 2)[0].strip().toLowerCase(Locale.ROOT);
            if (CREDENTIALS.contains(name)) {
                return true;
            }
        }
        return false;
    }

    /// @return null when it was given and can't be had
    private @Nullable Secret password(SpecForm.EndpointForm form) {
        if (form.password() != null) {
            if (form.password().text().isEmpty()) {
                problems.add(
                        form.password(), "is empty", "leave it out if the server asks for none");
                return null;
            }
            return Secret.of(form.password().text());
        }
        return form.passwordFile() == null ? Secret.NONE : read(form.passwordFile());
    }

    private @Nullable Secret read(Scalar passwordFile) {
        try {
            Path file = Path.of(passwordFile.text());
            if (Files.isDirectory(file)) {
                problems.add(passwordFile, "is a directory", "name the file in it");
                return null;
            }
            if (Files.size(file) > LONGEST_PASSWORD_FILE) {
                problems.add(passwordFile, "is too long for a password", "name another file");
                return null;
            }
            String content =
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
                            .toString();
            String password = content.replaceFirst("\\r?\\n\\z", "");
            if (password.isEmpty()) {
                problems.add(passwordFile, "is empty", "put the password in it");
                return null;
            }
            return Secret.of(password);
        } catch (NoSuchFileException | InvalidPathException _) {
            problems.add(passwordFile, "there is no such file", "is the secret mounted?");
        } catch (CharacterCodingException _) {
            problems.add(passwordFile, "isn't UTF-8 text", "save the password as UTF-8");
        } catch (IOException _) {
            problems.add(passwordFile, "can't be read", "may this user read it?");
        }
        return null;
    }
}
