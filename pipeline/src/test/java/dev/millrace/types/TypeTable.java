package dev.millrace.types;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The types of `types.txt` with their values. The file describes its format.
final class TypeTable {

    /// Creates the types that are not built in.
    static final List<String> SETUP =
            resource("setup.sql").lines().filter(line -> !line.isBlank()).toList();

    static final List<Type> TYPES = read();

    /// @param expression of SQL; a type is added by [Type#value]
    /// @param since the oldest version of PostgreSQL that knows the value
    record Value(String expression, int since) {}

    /// @param number of the type in the file
    /// @param sql the type as a column declares it
    /// @param key whether a key can have this type
    /// @param refused whether the plan refuses the type
    /// @param since the oldest version of PostgreSQL that has the type
    /// @param values in the order of the file; the first is the default
    /// @param large a value that is stored out of line
    record Type(
            int number,
            String section,
            String sql,
            boolean key,
            boolean refused,
            int since,
            Optional<String> extension,
            List<Value> values,
            Optional<String> large) {

        String value(String expression) {
            return "CAST(" + expression + " AS " + withoutCollation() + ")";
        }

        String withoutCollation() {
            int collate = sql.indexOf(" COLLATE ");
            return collate < 0 ? sql : sql.substring(0, collate);
        }

        /// The values that every server of at least this version knows, as SQL.
        List<String> values(int version) {
            return values.stream()
                    .filter(value -> value.since() <= version)
                    .map(value -> value(value.expression()))
                    .toList();
        }
    }

    private TypeTable() {}

    private static List<Type> read() {
        List<Type> types = new ArrayList<>();
        String section = "";
        String head = "";
        List<String> body = new ArrayList<>();
        for (String line : (resource("types.txt") + "\n= ").split("\n")) {
            if (line.startsWith("    ")) {
                body.add(line.strip());
                continue;
            }
            if (!head.isEmpty()) {
                types.add(type(types.size(), section, head, body));
                head = "";
                body.clear();
            }
            if (line.startsWith("=")) {
                section = line.substring(1).strip();
            } else if (!line.isBlank() && !line.startsWith("#")) {
                head = line;
            }
        }
        return List.copyOf(types);
    }

    private static Type type(int number, String section, String head, List<String> body) {
        List<String> options = List.of(head.split(" ; "));
        List<Value> values = new ArrayList<>();
        Optional<String> large = Optional.empty();
        for (String line : body) {
            if (line.startsWith("large ")) {
                large = Optional.of(line.substring("large ".length()));
            } else if (line.startsWith("@")) {
                int end = line.indexOf(' ');
                values.add(
                        new Value(
                                line.substring(end + 1), Integer.parseInt(line.substring(1, end))));
            } else {
                values.add(new Value(line, 0));
            }
        }
        return new Type(
                number,
                section,
                options.getFirst(),
                options.contains("key"),
                options.contains("refused"),
                option(options, "since ").map(Integer::parseInt).orElse(0),
                option(options, "extension "),
                List.copyOf(values),
                large);
    }

    private static Optional<String> option(List<String> options, String name) {
        return options.stream()
                .filter(option -> option.startsWith(name))
                .map(option -> option.substring(name.length()))
                .findFirst();
    }

    private static String resource(String name) {
        try (var file = requireNonNull(TypeTable.class.getResourceAsStream(name))) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
