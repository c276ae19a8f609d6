package dev.millrace.mapping;

import java.util.Locale;
import java.util.random.RandomGenerator;

/// Puts tokens in a row as a careless hand would: with odd blanks or none, names in every case.
final class SqlTokens {

    private final RandomGenerator random;

    SqlTokens(RandomGenerator random) {
        this.random = random;
    }

    String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }

    /// The tokens in a row, with as few or as odd blanks between them as may be.
    String join(String... tokens) {
        StringBuilder text = new StringBuilder();
        for (String token : tokens) {
            if (token.isEmpty()) {
                continue;
            }
            text.append(
                    text.isEmpty() ? "" : glue(text.charAt(text.length() - 1), token.charAt(0)));
            text.append(token);
        }
        return text.toString();
    }

    private String glue(char before, char behind) {
        boolean needed = isWordPart(before) && isWordPart(behind) || before == '-' && behind == '-';
        return switch (random.nextInt(needed ? 6 : 12)) {
            case 0 -> "\n";
            case 1 -> "/* - */";
            case 2, 3, 4, 5 -> " ";
            default -> "";
        };
    }

    private static boolean isWordPart(char c) {
        return Character.isLetterOrDigit(c)
                || c == '_'
                || c == '$'
                || c == '\''
                || c == '.'
                || c == '"';
    }

    String maybeParenthesised(String text) {
        return random.nextInt(4) == 0 ? join("(", text, ")") : text;
    }

    String column(String name) {
        return switch (random.nextInt(12)) {
            case 0 -> "oracle." + name;
            case 1 -> '"' + name + '"';
            case 2 -> name.toUpperCase(Locale.ROOT);
            default -> name;
        };
    }
}
