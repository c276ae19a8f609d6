package dev.millrace.sql;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Splits a text into tokens by PostgreSQL's lexical rules: names fold to lower case, comments
/// nest, an operator is the longest run of operator characters that does not begin a comment and
/// does not end in a plain sign. Not thread-safe; used once, for one text.
final class Lexer {

    private static final String OPERATOR_CHARACTERS = "+-*/<>=~!@#%^&|`?";
    private static final String ALLOW_TRAILING_SIGN = "~!@#%^&|`?";
    private static final int MAX_NAME_BYTES = 63;

    private final String text;
    private final StringLiterals strings;
    private final List<SqlToken> tokens = new ArrayList<>();
    private int at;

    Lexer(String text) {
        this.text = text;
        this.strings = new StringLiterals(text);
    }

    /// The tokens of the text, followed by an END.
    List<SqlToken> tokens() {
        skipBlanksAndComments();
        while (at < text.length()) {
            next();
            skipBlanksAndComments();
        }
        add(SqlToken.Kind.END, "", text.length());
        return tokens;
    }

    private void next() {
        char c = text.charAt(at);
        char following = charAt(at + 1);
        if (c == '\'') {
            string(strings.plain(at));
        } else if ((c == 'e' || c == 'E') && following == '\'') {
            string(strings.escaped(at));
        } else if ((c == 'u' || c == 'U') && following == '&' && charAt(at + 2) == '\'') {
            string(strings.unicode(at, '\''));
        } else if ((c == 'u' || c == 'U') && following == '&' && charAt(at + 2) == '"') {
            quotedName(strings.unicode(at, '"'));
        } else if ("bBxXnN".indexOf(c) >= 0 && following == '\'') {
            throw new Refusal(
                    at,
                    "the literal " + c + "'..' is not supported",
                    "write a plain string, with a CAST if a type is needed");
        } else if (c == '"') {
            quotedName(strings.quotedName(at));
        } else if (c == '$') {
            dollar();
        } else if (isDigit(c) || c == '.' && isDigit(following)) {
            number();
        } else if (startsName(c)) {
            word();
        } else if (OPERATOR_CHARACTERS.indexOf(c) >= 0) {
            operator();
        } else {
            symbol(c);
        }
    }

    private void string(StringLiterals.Literal literal) {
        add(SqlToken.Kind.STRING, literal.value(), literal.end());
    }

    private void quotedName(StringLiterals.Literal literal) {
        if (literal.value().isEmpty()) {
            throw new Refusal(at, "a quoted name is empty", "");
        }
        checkLength(literal.value());
        add(SqlToken.Kind.QUOTED_NAME, literal.value(), literal.end());
    }

    private void dollar() {
        if (isDigit(charAt(at + 1))) {
            throw new Refusal(at, "a parameter is not supported", "write the value itself");
        }
        string(strings.dollarQuoted(at));
    }

    private void word() {
        int end = at + 1;
        while (end < text.length() && continuesName(text.charAt(end))) {
            end++;
        }
        String name = foldAscii(text.substring(at, end));
        checkLength(name);
        add(SqlToken.Kind.WORD, name, end);
    }

    private void checkLength(String name) {
        if (name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES) {
            throw new Refusal(
                    at,
                    "a name is longer than " + MAX_NAME_BYTES + " bytes; PostgreSQL truncates it",
                    "write the name as it is in the catalog");
        }
    }

    private void operator() {
        int end = at;
        while (end < text.length() && OPERATOR_CHARACTERS.indexOf(text.charAt(end)) >= 0) {
            if (end > at && (text.startsWith("--", end) || text.startsWith("/*", end))) {
                break;
            }
            end++;
        }
        String run = text.substring(at, end);
        while (run.length() > 1 && endsInPlainSign(run)) {
            run = run.substring(0, run.length() - 1);
        }
        add(SqlToken.Kind.OPERATOR, run.equals("!=") ? "<>" : run, at + run.length());
    }

    private static boolean endsInPlainSign(String run) {
        char last = run.charAt(run.length() - 1);
        return (last == '+' || last == '-')
                && run.chars().noneMatch(c -> ALLOW_TRAILING_SIGN.indexOf(c) >= 0);
    }

    private void symbol(char c) {
        if (text.startsWith("::", at) || text.startsWith(":=", at) || text.startsWith("..", at)) {
            add(SqlToken.Kind.SYMBOL, text.substring(at, at + 2), at + 2);
        } else if ("()[],;:.".indexOf(c) >= 0) {
            add(SqlToken.Kind.SYMBOL, String.valueOf(c), at + 1);
        } else {
            throw new Refusal(
                    at,
                    "the character U+%04X is not allowed here".formatted(text.codePointAt(at)),
                    "");
        }
    }

    private void number() {
        int begin = at;
        char second = Character.toLowerCase(charAt(at + 1));
        if (text.charAt(at) == '0' && (second == 'x' || second == 'o' || second == 'b')) {
            int radix = second == 'x' ? 16 : second == 'o' ? 8 : 2;
            int end = digits(at + 2, radix);
            refuseJunk(end);
            String digits = text.substring(begin + 2, end).replace("_", "");
            if (digits.isEmpty()) {
                throw new Refusal(begin, "a number has no digits", "");
            }
            add(SqlToken.Kind.INTEGER, new BigInteger(digits, radix).toString(), end);
            return;
        }
        int end = digits(at, 10);
        boolean integer = true;
        if (charAt(end) == '.' && charAt(end + 1) != '.') {
            end = digits(end + 1, 10);
            integer = false;
        }
        int exponent = exponentEnd(end);
        if (exponent > end) {
            end = exponent;
            integer = false;
        }
        refuseJunk(end);
        String digits = text.substring(begin, end).replace("_", "");
        add(integer ? SqlToken.Kind.INTEGER : SqlToken.Kind.DECIMAL, digits, end);
    }

    private int exponentEnd(int from) {
        if (charAt(from) != 'e' && charAt(from) != 'E') {
            return from;
        }
        int sign = charAt(from + 1) == '+' || charAt(from + 1) == '-' ? 2 : 1;
        return isDigit(charAt(from + sign)) ? digits(from + sign, 10) : from;
    }

    /// The offset after the digits that begin at `from`. One underscore is allowed between two
    /// digits, and before the first digit after a radix prefix.
    private int digits(int from, int radix) {
        int end = from;
        while (Character.digit(ascii(end), radix) >= 0
                || charAt(end) == '_'
                        && (end > from || radix != 10)
                        && Character.digit(ascii(end + 1), radix) >= 0) {
            end++;
        }
        return end;
    }

    private void refuseJunk(int end) {
        if (end < text.length() && continuesName(text.charAt(end))) {
            throw new Refusal(
                    at, "a number is followed directly by letters", "add a blank between them");
        }
    }

    private void skipBlanksAndComments() {
        while (at < text.length()) {
            if (StringLiterals.isBlank(text.charAt(at))) {
                at++;
            } else if (text.startsWith("--", at)) {
                at = StringLiterals.lineEnd(text, at);
            } else if (text.startsWith("/*", at)) {
                at = commentEnd();
            } else {
                return;
            }
        }
    }

    private int commentEnd() {
        int depth = 1;
        int end = at + 2;
        while (depth > 0) {
            if (end >= text.length()) {
                throw new Refusal(at, "a comment is not closed", "close it with */");
            }
            if (text.startsWith("/*", end)) {
                depth++;
                end += 2;
            } else if (text.startsWith("*/", end)) {
                depth--;
                end += 2;
            } else {
                end++;
            }
        }
        return end;
    }

    private void add(SqlToken.Kind kind, String value, int end) {
        tokens.add(new SqlToken(kind, value, at, end));
        at = end;
    }

    private char charAt(int position) {
        return position < text.length() ? text.charAt(position) : 0;
    }

    private char ascii(int position) {
        char c = charAt(position);
        return c < 128 ? c : 0;
    }

    private static String foldAscii(String name) {
        StringBuilder folded = new StringBuilder(name.length());
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            folded.append(c >= 'A' && c <= 'Z' ? (char) (c + 32) : c);
        }
        return folded.toString();
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean startsName(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 128;
    }

    private static boolean continuesName(char c) {
        return startsName(c) || isDigit(c) || c == '$';
    }
}
