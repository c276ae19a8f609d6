package dev.millrace.spec.name;

import dev.millrace.change.TableId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The table names of the file. A part in double quotes is used as it is. A part without quotes
/// must be the name that PostgreSQL would store, so that no name is folded silently.
public sealed interface TableName {

    record OneTable(TableId id) implements TableName {}

    record EveryTable(String schema) implements TableName {}

    record Malformed(String message, String remedy) implements TableName {}

    static TableName parse(String written) {
        List<String> parts = new ArrayList<>();
        int at = 0;
        while (true) {
            Matcher part = Parts.PART.matcher(written).region(at, written.length());
            if (!part.lookingAt()) {
                return new Malformed(
                        "is not a table name",
                        "write schema.table; quote special characters with double quotes");
            }
            parts.add(part.group());
            at = part.end();
            if (at == written.length()) {
                break;
            }
            if (written.charAt(at) != '.') {
                return new Malformed(
                        "is not a table name",
                        "write schema.table; quote special characters with double quotes");
            }
            at++;
        }
        return named(parts);
    }

    /// The source schema of `SELECT * FROM schema.*`, which is no SQL and is matched here instead
    /// of by the SELECT parser.
    static Optional<String> wildcardSource(String select) {
        Matcher wildcard = Parts.WILDCARD.matcher(select);
        if (!wildcard.matches()) {
            return Optional.empty();
        }
        String schema = wildcard.group(1);
        return Optional.of(schema.startsWith("\"") ? unquoted(schema) : Parts.folded(schema));
    }

    private static TableName named(List<String> parts) {
        if (parts.size() != 2) {
            return new Malformed(
                    parts.size() == 1 ? "has no schema" : "has more parts than schema and table",
                    "write " + (parts.size() == 1 ? "public." + parts.getFirst() : "schema.table"));
        }
        for (String part : parts) {
            if (!part.startsWith("\"") && !part.equals(Parts.folded(part))) {
                return new Malformed(
                        "has upper-case letters, which PostgreSQL folds unless they are quoted",
                        "write "
                                + Parts.folded(String.join(".", parts))
                                + ", or '\""
                                + String.join(
                                        "\".\"", parts.stream().map(TableName::unquoted).toList())
                                + "\"'");
            }
        }
        String schema = unquoted(parts.getFirst());
        if (schema.isEmpty() || unquoted(parts.getLast()).isEmpty()) {
            return new Malformed("contains an empty name", "write schema.table");
        }
        if (schema.equals("*")) {
            return new Malformed("'*' can replace the table, not the schema", "write schema.*");
        }
        return parts.getLast().equals("*")
                ? new EveryTable(schema)
                : new OneTable(new TableId(schema, unquoted(parts.getLast())));
    }

    private static String unquoted(String part) {
        return part.startsWith("\"")
                ? part.substring(1, part.length() - 1).replace("\"\"", "\"")
                : part;
    }
}

/// The lexical rules of PostgreSQL's identifiers.
final class Parts {

    private static final String IDENTIFIER = "[\\p{L}_][\\p{L}\\p{N}_$]*|\"(?:[^\"]|\"\")*\"";

    static final Pattern PART = Pattern.compile("\\*|" + IDENTIFIER);

    static final Pattern WILDCARD =
            Pattern.compile(
                    "\\s*SELECT\\s+\\*\\s+FROM\\s+(" + IDENTIFIER + ")\\s*\\.\\s*\\*\\s*;?\\s*",
                    Pattern.CASE_INSENSITIVE);

    private Parts() {}

    /// Folds ASCII letters only; that is what every server folds.
    static String folded(String name) {
        StringBuilder folded = new StringBuilder(name);
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c >= 'A' && c <= 'Z') {
                folded.setCharAt(i, (char) (c + 'a' - 'A'));
            }
        }
        return folded.toString();
    }
}
