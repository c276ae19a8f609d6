package dev.millrace.sql;

/// One token of PostgreSQL's lexer.
///
/// @param text folded to lower case for a word; the value, without its quotes, for a quoted name or
///   a string; the digits, without underscores and in decimal, for a number; the text itself
///   otherwise
/// @param at where it begins in the SELECT's text
/// @param end behind its last character
record SqlToken(Kind kind, String text, int at, int end) {

    enum Kind {
        WORD,
        QUOTED_NAME,
        STRING,
        INTEGER,
        DECIMAL,
        OPERATOR,
        SYMBOL,
        END
    }

    boolean isWord(String word) {
        return kind == Kind.WORD && text.equals(word);
    }

    boolean isSymbol(String symbol) {
        return kind == Kind.SYMBOL && text.equals(symbol);
    }

    boolean isOperator(String operator) {
        return kind == Kind.OPERATOR && text.equals(operator);
    }

    /// How a message shows it.
    String shown() {
        return switch (kind) {
            case END -> "the end of the text";
            case STRING -> "a string";
            case QUOTED_NAME -> '"' + text + '"';
            case WORD, INTEGER, DECIMAL, OPERATOR, SYMBOL -> "'" + text + "'";
        };
    }
}
