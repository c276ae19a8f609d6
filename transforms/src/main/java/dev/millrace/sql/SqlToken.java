package dev.millrace.sql;

/// One token of PostgreSQL's lexer. Immutable.
///
/// @param text lower case for a word; without quotes for a quoted name or a string; decimal digits
///   without underscores for a number; as written otherwise
/// @param at offset of its first character in the SELECT
/// @param end offset after its last character
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

    /// The token as a message shows it.
    String description() {
        return switch (kind) {
            case END -> "the end of the text";
            case STRING -> "a string";
            case QUOTED_NAME -> '"' + text + '"';
            case WORD, INTEGER, DECIMAL, OPERATOR, SYMBOL -> "'" + text + "'";
        };
    }
}
