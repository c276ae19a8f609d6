package dev.millrace.sql;

import dev.millrace.sql.Node.TypeName;
import java.util.ArrayList;
import java.util.List;

/// Parses the name of a type, including PostgreSQL's names of several words: `character
/// varying(20)`, `timestamp with time zone`. Not thread-safe; used for one parse.
final class TypeNameParser {

    private final TokenStream tokens;

    TypeNameParser(TokenStream tokens) {
        this.tokens = tokens;
    }

    TypeName typeName() {
        SqlToken first = tokens.take();
        if (!Keywords.mayNameFunction(first)) {
            throw new Refusal(
                    first.at(), "syntax error at " + first.description() + ": expected a type", "");
        }
        boolean quoted = first.kind() == SqlToken.Kind.QUOTED_NAME;
        String name = first.text();
        if (tokens.peek().isSymbol(".")) {
            tokens.take();
            SqlToken last = tokens.take();
            quoted = true;
            name = first.text().equals("pg_catalog") ? last.text() : name + "." + last.text();
            return finished(first, name, quoted, modifiers());
        }
        if (quoted) {
            return finished(first, name, true, modifiers());
        }
        return switch (name) {
            case "double" -> {
                tokens.expectWord("precision");
                yield finished(first, "double precision", false, List.of());
            }
            case "national" -> {
                tokens.take();
                yield character(first);
            }
            case "character", "char", "nchar", "bit" -> character(first);
            case "timestamp", "time" -> time(first);
            case "interval" -> interval(first);
            default -> finished(first, name, false, modifiers());
        };
    }

    private TypeName character(SqlToken first) {
        boolean bit = first.isWord("bit");
        boolean varying = tokens.acceptWord("varying");
        List<Integer> modifiers = modifiers();
        if (bit) {
            return finished(first, varying ? "bit varying" : "bit", false, modifiers);
        }
        if (varying) {
            return finished(first, "varchar", false, modifiers);
        }
        return finished(first, "char", false, modifiers.isEmpty() ? List.of(1) : modifiers);
    }

    private TypeName time(SqlToken first) {
        List<Integer> modifiers = modifiers();
        String name = first.text();
        if (tokens.peek().isWord("with") && tokens.peek(1).isWord("time")) {
            tokens.take();
            tokens.take();
            tokens.expectWord("zone");
            name = name + "tz";
        } else if (tokens.peek().isWord("without") && tokens.peek(1).isWord("time")) {
            tokens.take();
            tokens.take();
            tokens.expectWord("zone");
        }
        return finished(first, name, false, modifiers);
    }

    private TypeName interval(SqlToken first) {
        List<Integer> modifiers = modifiers();
        while (RefusedNames.INTERVAL_FIELDS.contains(tokens.peek().text())
                && tokens.peek().kind() == SqlToken.Kind.WORD) {
            tokens.take();
            modifiers();
        }
        return finished(first, "interval", false, modifiers);
    }

    private List<Integer> modifiers() {
        List<Integer> modifiers = new ArrayList<>();
        if (!tokens.acceptSymbol("(")) {
            return modifiers;
        }
        do {
            boolean minus = tokens.peek().isOperator("-");
            if (minus) {
                tokens.take();
            }
            SqlToken token = tokens.take();
            if (token.kind() != SqlToken.Kind.INTEGER || token.text().length() > 9) {
                throw new Refusal(
                        token.at(),
                        "syntax error at " + token.description() + ": expected a" + " number",
                        "");
            }
            int value = Integer.parseInt(token.text());
            modifiers.add(minus ? -value : value);
        } while (tokens.acceptSymbol(","));
        tokens.expectSymbol(")");
        return modifiers;
    }

    private TypeName finished(
            SqlToken first, String name, boolean quoted, List<Integer> modifiers) {
        boolean array = false;
        while (tokens.peek().isSymbol("[")) {
            tokens.skipParenthesised();
            array = true;
        }
        array |= tokens.acceptWord("array");
        return new TypeName(first.at(), name, quoted, modifiers, array);
    }
}
