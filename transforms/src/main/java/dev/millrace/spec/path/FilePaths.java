package dev.millrace.spec.path;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/// Resolves the relative paths of the migration file against the file's folder, so that their
/// meaning does not depend on the working directory. Immutable.
public record FilePaths(Path folder) {

    /// JDBC URL parameters that name a file.
    private static final Set<String> TLS_FILES = Set.of("sslcert", "sslkey", "sslrootcert");

    /// @param file the migration file
    public static FilePaths of(Path file) {
        Path absolute = file.toAbsolutePath();
        Path parent = absolute.getParent();
        return new FilePaths(parent == null ? absolute : parent);
    }

    /// @throws InvalidPathException when the text is not a path
    public Path resolve(String path) {
        Path given = Path.of(path);
        boolean redundant = given.getNameCount() > 1 && given.startsWith(".");
        return folder.resolve(redundant ? given.subpath(1, given.getNameCount()) : given);
    }

    /// A JDBC URL with absolute paths in the parameters that name key and certificate files.
    public String inUrl(String url) {
        int query = url.indexOf('?');
        return query < 0
                ? url
                : url.substring(0, query + 1)
                        + Arrays.stream(url.substring(query + 1).split("&", -1))
                                .map(this::inParameter)
                                .collect(Collectors.joining("&"));
    }

    private String inParameter(String parameter) {
        int equals = parameter.indexOf('=');
        if (equals < 0 || !TLS_FILES.contains(parameter.substring(0, equals))) {
            return parameter;
        }
        String path = decoded(parameter.substring(equals + 1));
        String resolved = absolute(path);
        return resolved.equals(path)
                ? parameter
                : parameter.substring(0, equals + 1) + encoded(resolved);
    }

    /// The value of a Kafka client property, with an absolute path when the property's name says
    /// that it is a file.
    public String inKafka(String setting, String value) {
        return setting.endsWith(".location") || setting.endsWith(".file") ? absolute(value) : value;
    }

    /// A text that is not a path is returned unchanged; the client that opens it reports the
    /// problem.
    private String absolute(String path) {
        try {
            return path.isBlank() ? path : resolve(path).toString();
        } catch (InvalidPathException _) {
            return path;
        }
    }

    private static String decoded(String value) {
        try {
            return URLDecoder.decode(value, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException _) {
            return "";
        }
    }

    private static String encoded(String path) {
        return URLEncoder.encode(path, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("%2F", "/");
    }
}
