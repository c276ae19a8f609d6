package dev.millrace.deploy;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Replaces `${NAME:?message}` and `$$` as Compose does. Refuses other forms.
final class Interpolation {

    private static final Pattern REFERENCE =
            Pattern.compile("\\$(?:\\$|\\{(?<name>[A-Z_]+):\\?[^}]*}|(?<other>.?))");

    private final Map<String, String> environment;
    private final Set<String> used = new TreeSet<>();

    private Interpolation(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    /// Interpolates with the variables of `.env.example`.
    static Interpolation ofExample(Checkout checkout) {
        Map<String, String> variables = new TreeMap<>();
        checkout.text(".env.example")
                .lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .forEach(
                        line -> {
                            String[] parts = line.split("=", 2);
                            if (parts.length < 2 || !parts[0].matches("[A-Z_]+")) {
                                throw new Findings.UnreadableFile(".env.example", line);
                            }
                            variables.put(parts[0], parts[1]);
                        });
        return new Interpolation(variables);
    }

    String replace(String text) {
        Matcher matcher = REFERENCE.matcher(text);
        StringBuilder replaced = new StringBuilder();
        while (matcher.find()) {
            String name = matcher.group("name");
            if (matcher.group("other") != null) {
                throw new Findings.UnreadableFile(
                        "docker-compose.yml", "not in the form ${NAME:?message}: " + text);
            }
            String value = name == null ? "$" : value(name);
            matcher.appendReplacement(replaced, Matcher.quoteReplacement(value));
        }
        return matcher.appendTail(replaced).toString();
    }

    String value(String name) {
        used.add(name);
        String value = environment.get(name);
        if (value == null || value.isEmpty()) {
            throw new Findings.UnreadableFile(".env.example", "does not set " + name);
        }
        return value;
    }

    Set<String> unused() {
        Set<String> unused = new TreeSet<>(environment.keySet());
        unused.removeAll(used);
        return unused;
    }
}
