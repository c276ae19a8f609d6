package dev.millrace.spec.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Replaces `${NAME}` and `${NAME:default}` with values of the environment; `$${` is a literal
/// `${`. A replaced value is not substituted again. Immutable.
public final class Substitution {

    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

    private final Map<String, String> environment;

    public Substitution(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    /// @param refuse receives the offset of a `${` that cannot be replaced, and the reason, which
    ///   names variables and contains no value
    /// @return null when something was refused
    public @Nullable Replaced replace(String raw, BiConsumer<Integer, String> refuse) {
        Replaced replaced = new Replaced(raw.length());
        boolean complete = true;
        int i = 0;
        while (i < raw.length()) {
            if (raw.startsWith("$${", i)) {
                replaced.append("${", i + 1);
                i += 3;
            } else if (raw.startsWith("${", i)) {
                int close = raw.indexOf('}', i);
                String inside = close < 0 ? "" : raw.substring(i + 2, close);
                String value = close < 0 ? null : value(inside, i, refuse);
                if (close < 0) {
                    refuse.accept(i, "'${' is not closed; write '$${' for a literal '${'");
                }
                if (value == null) {
                    complete = false;
                } else {
                    replaced.append(value, i);
                    replaced.changed = true;
                    variable(inside).ifPresent(replaced.variables::add);
                }
                i = close < 0 ? raw.length() : close + 1;
            } else {
                replaced.append(raw.substring(i, i + 1), i);
                i++;
            }
        }
        return complete ? replaced.end(raw.length()) : null;
    }

    /// The variable that gives the value; empty if the default in the file does.
    private Optional<String> variable(String inside) {
        return Optional.of(inside.split(":", 2)[0]).filter(environment::containsKey);
    }

    private @Nullable String value(String inside, int offset, BiConsumer<Integer, String> refuse) {
        int colon = inside.indexOf(':');
        String name = colon < 0 ? inside : inside.substring(0, colon);
        if (!NAME.matcher(name).matches()) {
            refuse.accept(
                    offset,
                    "'${…}' does not contain the name of an environment variable; write '$${'"
                            + " for a literal '${'");
            return null;
        }
        String value = environment.get(name);
        if (value != null) {
            return value;
        }
        if (colon < 0) {
            refuse.accept(offset, "the environment variable " + name + " is not set");
            return null;
        }
        return inside.substring(colon + 1);
    }

    /// A text and the offset in the raw text that each of its characters comes from.
    public static final class Replaced {

        private final StringBuilder text = new StringBuilder();
        private int[] origins;
        private final List<String> variables = new ArrayList<>();
        private boolean changed;

        private Replaced(int expected) {
            origins = new int[expected + 1];
        }

        public String text() {
            return text.toString();
        }

        /// Whether the text contains a value of the environment.
        public boolean changed() {
            return changed;
        }

        /// The variables whose values the text contains.
        public List<String> variables() {
            return List.copyOf(variables);
        }

        public int origin(int offset) {
            return origins[offset];
        }

        private void append(String piece, int origin) {
            reserve(text.length() + piece.length() + 1);
            Arrays.fill(origins, text.length(), text.length() + piece.length(), origin);
            text.append(piece);
        }

        private Replaced end(int origin) {
            reserve(text.length() + 1);
            origins[text.length()] = origin;
            return this;
        }

        private void reserve(int size) {
            if (size > origins.length) {
                origins = Arrays.copyOf(origins, Math.max(size, 2 * origins.length));
            }
        }
    }
}
