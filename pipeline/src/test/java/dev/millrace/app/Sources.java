package dev.millrace.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;

/// Reads the Javadoc of records and of the handlers of the API from their source files.
final class Sources {

    private static final Map<Path, String> READ = new HashMap<>();
    private static final String JAVADOC = "((?:^ *///.*\\n)*)";
    private static final Pattern PARAM = Pattern.compile("@param (\\w+) ");

    /// @param components the texts of `@param` by name
    record Documented(String description, Map<String, String> components) {}

    private Sources() {}

    static Documented ofRecord(Class<?> type) {
        Matcher found =
                Pattern.compile(
                                JAVADOC
                                        + "^ *(?:public |private )?record "
                                        + type.getSimpleName()
                                        + "\\(",
                                Pattern.MULTILINE)
                        .matcher(source(type));
        if (!found.find()) {
            throw new AssertionError("No record " + type + " in its source file");
        }
        String text = text(found.group(1));
        Map<String, String> components = new LinkedHashMap<>();
        Matcher params = PARAM.matcher(text);
        int first = text.length();
        int from = -1;
        String name = "";
        while (params.find()) {
            if (from < 0) {
                first = params.start();
            } else {
                components.put(name, text.substring(from, params.start()).strip());
            }
            name = params.group(1);
            from = params.end();
        }
        if (from >= 0) {
            components.put(name, text.substring(from).strip());
        }
        return new Documented(text.substring(0, first).strip(), components);
    }

    /// @throws AssertionError if the handler has no Javadoc
    static String ofHandler(ApiDocument.Route route) {
        Matcher found =
                Pattern.compile(JAVADOC + "^ *" + mapping(route), Pattern.MULTILINE)
                        .matcher(source(route.method().getDeclaringClass()));
        if (!found.find() || found.group(1).isBlank()) {
            throw new AssertionError(route + " has no Javadoc");
        }
        return text(found.group(1));
    }

    /// A pattern of the handler's annotation.
    private static String mapping(ApiDocument.Route route) {
        Method method = route.method();
        return switch (route.verb()) {
            case "get" -> {
                GetMapping mapping = method.getAnnotation(GetMapping.class);
                yield pattern("Get", mapping.value(), mapping.path());
            }
            case "post" -> {
                PostMapping mapping = method.getAnnotation(PostMapping.class);
                yield pattern("Post", mapping.value(), mapping.path());
            }
            case "delete" -> {
                DeleteMapping mapping = method.getAnnotation(DeleteMapping.class);
                yield pattern("Delete", mapping.value(), mapping.path());
            }
            default -> throw new AssertionError("No mapping for " + route);
        };
    }

    private static String pattern(String verb, String[] value, String[] path) {
        String annotation = "@" + verb + "Mapping";
        String[] given = value.length > 0 ? value : path;
        return given.length == 0
                ? annotation + "\\n"
                : annotation
                        + "\\((?:path = |\\s+path = )?"
                        + Pattern.quote("\"" + given[0] + "\"");
    }

    /// Links and code marks are removed.
    private static String text(String comment) {
        return Stream.of(comment.split("\n"))
                .map(line -> line.strip().replaceFirst("^/// ?", ""))
                .reduce("", (one, other) -> (one + " " + other).strip())
                .replaceAll("\\s+", " ")
                .replaceAll("\\[(?:\\w+\\.)*(?:\\w+#)?#?(\\w+)(?:\\([^)]*\\))?]", "$1")
                .replace("`", "");
    }

    private static String source(Class<?> type) {
        Class<?> top = type;
        while (top.getDeclaringClass() != null) {
            top = top.getDeclaringClass();
        }
        String file = top.getName().replace('.', '/') + ".java";
        for (String module : List.of("pipeline", "connectors", "transforms")) {
            Path path = Path.of("..", module, "src", "main", "java").resolve(file);
            if (Files.exists(path)) {
                return READ.computeIfAbsent(path, Sources::read);
            }
        }
        throw new AssertionError("No source file of " + type);
    }

    private static String read(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
