package dev.millrace.sql;

/// Reads PostgreSQL's five notations of strings and quoted names. A string continues in a next one
/// when only blanks with a line end separate them. Immutable.
final class StringLiterals {

    record Literal(String value, int end) {}

    private final String text;

    StringLiterals(String text) {
        this.text = text;
    }

    Literal plain(int at) {
        return quoted(at, at + 1, '\'');
    }

    Literal quotedName(int at) {
        return quoted(at, at + 1, '"');
    }

    private Literal quoted(int at, int from, char quote) {
        StringBuilder value = new StringBuilder();
        int i = from;
        while (true) {
            if (i >= text.length()) {
                throw unterminated(at);
            }
            char c = text.charAt(i++);
            if (c != quote) {
                value.append(c);
            } else if (i < text.length() && text.charAt(i) == quote) {
                value.append(quote);
                i++;
            } else {
                int continued = quote == '\'' ? continuation(i) : -1;
                if (continued < 0) {
                    return checked(at, value.toString(), i);
                }
                i = continued;
            }
        }
    }

    /// `E'..'` with backslash escapes.
    Literal escaped(int at) {
        StringBuilder value = new StringBuilder();
        int i = at + 2;
        while (true) {
            if (i >= text.length()) {
                throw unterminated(at);
            }
            char c = text.charAt(i++);
            if (c == '\\') {
                i = escape(at, i, value);
            } else if (c != '\'') {
                value.append(c);
            } else if (i < text.length() && text.charAt(i) == '\'') {
                value.append('\'');
                i++;
            } else {
                int continued = continuation(i);
                if (continued < 0) {
                    return checked(at, value.toString(), i);
                }
                i = continued;
            }
        }
    }

    private int escape(int at, int from, StringBuilder value) {
        if (from >= text.length()) {
            throw unterminated(at);
        }
        char c = text.charAt(from);
        switch (c) {
            case 'b' -> value.append('\b');
            case 'f' -> value.append('\f');
            case 'n' -> value.append('\n');
            case 'r' -> value.append('\r');
            case 't' -> value.append('\t');
            case 'v' -> value.append('\u000b');
            case 'u', 'U' -> {
                int digits = c == 'u' ? 4 : 8;
                value.append(codePoint(at, from + 1, digits));
                return from + 1 + digits;
            }
            case 'x', '0', '1', '2', '3', '4', '5', '6', '7' ->
                    throw new Refusal(
                            at, "an escape by byte value is not supported", "write \\uXXXX");
            default -> value.append(c);
        }
        return from + 1;
    }

    /// `U&'..'` or `U&"..."` with the backslash as escape character.
    Literal unicode(int at, char quote) {
        Literal raw = quoted(at, at + 3, quote);
        int after = skipBlanks(raw.end());
        if (text.regionMatches(true, after, "uescape", 0, 7)) {
            throw new Refusal(
                    after, "UESCAPE is not supported", "use the backslash as escape character");
        }
        StringBuilder value = new StringBuilder();
        String body = raw.value();
        int i = 0;
        while (i < body.length()) {
            char c = body.charAt(i++);
            if (c != '\\') {
                value.append(c);
            } else if (i < body.length() && body.charAt(i) == '\\') {
                value.append('\\');
                i++;
            } else {
                boolean six = i < body.length() && body.charAt(i) == '+';
                int from = six ? i + 1 : i;
                int digits = six ? 6 : 4;
                value.append(new StringLiterals(body).codePoint(at, from, digits));
                i = from + digits;
            }
        }
        return checked(at, value.toString(), raw.end());
    }

    /// `$tag$..$tag$`.
    Literal dollarQuoted(int at) {
        int i = at + 1;
        while (i < text.length() && text.charAt(i) != '$') {
            char c = text.charAt(i);
            boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 128;
            boolean digit = c >= '0' && c <= '9' && i > at + 1;
            if (!letter && !digit) {
                throw new Refusal(at, "'$' is not allowed here", "");
            }
            i++;
        }
        if (i >= text.length()) {
            throw new Refusal(at, "'$' is not allowed here", "");
        }
        String delimiter = text.substring(at, i + 1);
        int close = text.indexOf(delimiter, i + 1);
        if (close < 0) {
            throw unterminated(at);
        }
        return new Literal(text.substring(i + 1, close), close + delimiter.length());
    }

    private String codePoint(int at, int from, int digits) {
        if (from + digits > text.length()) {
            throw badEscape(at);
        }
        int value = 0;
        for (int i = from; i < from + digits; i++) {
            char c = text.charAt(i);
            int digit = c < 128 ? Character.digit(c, 16) : -1;
            if (digit < 0 || value > 0x10FFFF) {
                throw badEscape(at);
            }
            value = value * 16 + digit;
        }
        if (value == 0 || value > 0x10FFFF) {
            throw badEscape(at);
        }
        return Character.toString(value);
    }

    /// Surrogates are valid only in pairs; two escapes may have produced the halves.
    private static Literal checked(int at, String value, int end) {
        if (value.codePoints().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF)) {
            throw badEscape(at);
        }
        return new Literal(value, end);
    }

    private static Refusal badEscape(int at) {
        return new Refusal(at, "a Unicode escape is invalid", "write \\XXXX with four hex digits");
    }

    private static Refusal unterminated(int at) {
        return new Refusal(at, "a quoted text is not closed", "add the closing quote");
    }

    /// The offset of the next part of a string, or -1.
    private int continuation(int from) {
        int i = from;
        boolean lineEnd = false;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (isBlank(c)) {
                lineEnd |= c == '\n' || c == '\r';
                i++;
            } else if (text.startsWith("--", i)) {
                i = lineEnd(text, i);
            } else {
                break;
            }
        }
        return lineEnd && i < text.length() && text.charAt(i) == '\'' ? i + 1 : -1;
    }

    private int skipBlanks(int from) {
        int i = from;
        while (i < text.length() && isBlank(text.charAt(i))) {
            i++;
        }
        return i;
    }

    static int lineEnd(String text, int from) {
        int i = from;
        while (i < text.length() && text.charAt(i) != '\n' && text.charAt(i) != '\r') {
            i++;
        }
        return i;
    }

    static boolean isBlank(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
    }
}
