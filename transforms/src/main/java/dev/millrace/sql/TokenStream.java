package dev.millrace.sql;

import java.util.List;
import java.util.Locale;

/// The tokens of one text and the parser's position in them. Not thread-safe; used for one parse.
final class TokenStream {

    private final List<SqlToken> tokens;
    private int next;

    TokenStream(List<SqlToken> tokens) {
        this.tokens = tokens;
    }

    SqlToken peek() {
        return tokens.get(next);
    }

    SqlToken peek(int ahead) {
        return tokens.get(Math.min(next + ahead, tokens.size() - 1));
    }

    SqlToken take() {
        SqlToken token = tokens.get(next);
        if (token.kind() != SqlToken.Kind.END) {
            next++;
        }
        return token;
    }

    boolean acceptWord(String word) {
        boolean accepted = peek().isWord(word);
        if (accepted) {
            next++;
        }
        return accepted;
    }

    boolean acceptSymbol(String symbol) {
        boolean accepted = peek().isSymbol(symbol);
        if (accepted) {
            next++;
        }
        return accepted;
    }

    void expectWord(String word) {
        if (!acceptWord(word)) {
            throw unexpected("expected " + word.toUpperCase(Locale.ROOT));
        }
    }

    void expectSymbol(String symbol) {
        if (!acceptSymbol(symbol)) {
            throw unexpected("expected '" + symbol + "'");
        }
    }

    Refusal unexpected(String expectation) {
        return new Refusal(
                peek().at(), "syntax error at " + peek().description() + ": " + expectation, "");
    }

    /// Skips from an opening parenthesis or bracket past the matching closing one.
    void skipParenthesised() {
        int depth = 0;
        int begin = peek().at();
        do {
            SqlToken token = take();
            if (token.isSymbol("(") || token.isSymbol("[")) {
                depth++;
            } else if (token.isSymbol(")") || token.isSymbol("]")) {
                depth--;
            } else if (token.kind() == SqlToken.Kind.END) {
                throw new Refusal(begin, "a parenthesis is not closed", "");
            }
        } while (depth > 0);
    }
}
