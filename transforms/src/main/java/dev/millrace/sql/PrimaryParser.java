package dev.millrace.sql;

import dev.millrace.sql.Node.TypeName;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Parses what contains no operator: constants, columns, calls and the SQL constructs written like
/// calls. Not thread-safe; used for one parse.
final class PrimaryParser {

    /// Words that begin a construct of their own when a parenthesis follows; any other word is then
    /// a function.
    private static final Set<String> SPECIAL_CALLS =
            Set.of(
                    "cast",
                    "trim",
                    "substring",
                    "coalesce",
                    "nullif",
                    "extract",
                    "overlay",
                    "position",
                    "treat",
                    "greatest",
                    "least",
                    "grouping",
                    "normalize",
                    "row",
                    "array",
                    "exists",
                    "xmlconcat",
                    "xmlelement",
                    "xmlexists",
                    "xmlforest",
                    "xmlparse",
                    "xmlpi",
                    "xmlroot",
                    "xmlserialize",
                    "json_object",
                    "json_array",
                    "json_value",
                    "json_query",
                    "json_exists",
                    "json_scalar",
                    "json_serialize",
                    "json");

    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private final TypeNameParser types;

    PrimaryParser(TokenStream tokens, ExpressionParser expressions, TypeNameParser types) {

        this.tokens = tokens;
        this.expressions = expressions;
        this.types = types;
    }

    Node primary() {
        SqlToken token = tokens.peek();
        return switch (token.kind()) {
            case INTEGER -> new Node.Number(tokens.take().at(), token.text(), true);
            case DECIMAL -> new Node.Number(tokens.take().at(), token.text(), false);
            case STRING -> new Node.Text(tokens.take().at(), token.text());
            case SYMBOL -> parenthesised(token);
            case WORD -> word(token);
            case QUOTED_NAME -> name(token);
            case OPERATOR, END -> throw tokens.unexpected("expected an expression");
        };
    }

    private Node parenthesised(SqlToken open) {
        if (!open.isSymbol("(")) {
            throw tokens.unexpected("expected an expression");
        }
        SqlToken inner = tokens.peek(1);
        if (inner.isWord("select") || inner.isWord("values") || inner.isWord("with")) {
            tokens.skipParenthesised();
            return expressions.refuse(open.at(), "a subquery", "declare a separate target table");
        }
        tokens.take();
        List<Node> list = expressions.expressions();
        tokens.expectSymbol(")");
        if (tokens.peek().isSymbol(".")) {
            tokens.take();
            tokens.take();
            return expressions.refuse(
                    open.at(), "a field of a composite value", "select the whole column");
        }
        return list.size() == 1
                ? list.getFirst()
                : expressions.refuse(open.at(), "a row value (.., ..)", "compare column by column");
    }

    private Node word(SqlToken token) {
        boolean call = tokens.peek(1).isSymbol("(");
        return switch (token.text()) {
            case "null" -> new Node.Null(tokens.take().at());
            case "true" -> new Node.Truth(tokens.take().at(), true);
            case "false" -> new Node.Truth(tokens.take().at(), false);
            case "case" -> caseExpression();
            case "array" -> {
                tokens.take();
                tokens.skipParenthesised();
                yield expressions.refuse(
                        token.at(), "an ARRAY constructor", "select an array column");
            }
            default -> {
                if (RefusedNames.VALUE_FUNCTIONS.contains(token.text()) && !call) {
                    tokens.take();
                    yield refuseFunction(token);
                }
                yield call && SPECIAL_CALLS.contains(token.text()) ? special(token) : name(token);
            }
        };
    }

    private Node name(SqlToken token) {
        if (!Keywords.mayNameFunction(token)) {
            throw tokens.unexpected("expected an expression");
        }
        if (isTypedLiteral(token)) {
            return typedLiteral();
        }
        tokens.take();
        if (tokens.peek().isSymbol("(")) {
            return call(token, token.text(), true);
        }
        List<SqlToken> path = new ArrayList<>(List.of(token));
        while (tokens.acceptSymbol(".")) {
            SqlToken part = tokens.take();
            if (part.isOperator("*")) {
                return expressions.refuse(token.at(), "a whole row as a value", "name the columns");
            }
            if (!Keywords.mayBeAlias(part)) {
                throw new Refusal(
                        part.at(),
                        "syntax error at " + part.description() + ": expected a" + " name",
                        "");
            }
            path.add(part);
        }
        String last = path.getLast().text();
        if (tokens.peek().isSymbol("(")) {
            boolean builtIn = path.size() == 2 && token.text().equals("pg_catalog");
            return call(token, last, builtIn);
        }
        if (!Keywords.mayNameColumn(token)) {
            throw new Refusal(
                    token.at(),
                    "syntax error at " + token.description() + ": expected an expression",
                    "quote it if it is a name");
        }
        List<String> qualifier =
                path.subList(0, path.size() - 1).stream().map(SqlToken::text).toList();
        return new Node.Column(token.at(), qualifier, last);
    }

    /// `date '2020-01-01'`, `character varying(5) 'abc'`, `double precision '1'`.
    private boolean isTypedLiteral(SqlToken token) {
        SqlToken next = tokens.peek(1);
        if (next.kind() == SqlToken.Kind.STRING) {
            return true;
        }
        return switch (token.kind() == SqlToken.Kind.WORD ? token.text() : "") {
            case "double" -> next.isWord("precision");
            case "national" -> next.isWord("char") || next.isWord("character");
            case "character", "char", "nchar", "bit" ->
                    next.isWord("varying") || next.isSymbol("(");
            case "timestamp", "time" ->
                    next.isSymbol("(") || next.isWord("with") || next.isWord("without");
            case "interval" -> next.isSymbol("(");
            case "numeric", "decimal", "dec", "varchar", "float" -> next.isSymbol("(");
            default -> false;
        };
    }

    private Node typedLiteral() {
        int at = tokens.peek().at();
        TypeName type = types.typeName();
        SqlToken value = tokens.take();
        if (value.kind() != SqlToken.Kind.STRING) {
            throw new Refusal(
                    value.at(),
                    "syntax error at " + value.description() + ": expected a" + " string",
                    "");
        }
        while (type.name().equals("interval")
                && tokens.peek().kind() == SqlToken.Kind.WORD
                && RefusedNames.INTERVAL_FIELDS.contains(tokens.peek().text())) {
            tokens.take();
        }
        return new Node.Cast(at, new Node.Text(value.at(), value.text()), type);
    }

    private Node call(SqlToken first, String name, boolean builtIn) {
        List<Node> arguments = List.of();
        SqlToken inner = tokens.peek(1);
        if (inner.isOperator("*")
                || inner.isWord("distinct")
                || inner.isWord("all")
                || inner.isWord("variadic")) {
            tokens.skipParenthesised();
            refuseFunction(new SqlToken(SqlToken.Kind.WORD, name, first.at(), first.end()));
            skipCallTail();
            return new Node.Refused(first.at());
        }
        tokens.expectSymbol("(");
        if (!tokens.peek().isSymbol(")")) {
            arguments = expressions.expressions();
        }
        if (!tokens.peek().isSymbol(")")) {
            SqlToken odd = tokens.peek();
            throw new Refusal(
                    odd.at(), "syntax error at " + odd.description() + " in a call of " + name, "");
        }
        tokens.take();
        if (skipCallTail()) {
            return expressions.refuse(
                    first.at(),
                    "an aggregate or window function",
                    "remove it; each target row comes from one source row");
        }
        if (!builtIn) {
            return expressions.refuse(
                    first.at(), "a user-defined function", "compute the value in a source column");
        }
        return new Node.Call(first.at(), name, Node.Call.Syntax.PLAIN, arguments);
    }

    private boolean skipCallTail() {
        boolean tail = false;
        while (true) {
            if (tokens.peek().isWord("over")
                    || tokens.peek().isWord("filter") && tokens.peek(1).isSymbol("(")) {
                tokens.take();
                if (tokens.peek().isSymbol("(")) {
                    tokens.skipParenthesised();
                } else {
                    tokens.take();
                }
            } else if (tokens.peek().isWord("within") && tokens.peek(1).isWord("group")) {
                tokens.take();
                tokens.take();
                tokens.skipParenthesised();
            } else {
                return tail;
            }
            tail = true;
        }
    }

    private Node refuseFunction(SqlToken token) {
        return expressions.refuse(
                token.at(), "the function " + token.text(), Signature.remedy(token.text()));
    }

    private Node special(SqlToken token) {
        tokens.take();
        return switch (token.text()) {
            case "cast" -> cast(token);
            case "trim" -> trim(token);
            case "substring" -> substring(token);
            case "coalesce" -> new Node.Coalesce(token.at(), arguments());
            case "nullif" -> nullIf(token);
            case "exists" -> {
                tokens.skipParenthesised();
                yield expressions.refuse(token.at(), "EXISTS", "declare a separate target table");
            }
            case "row" -> {
                tokens.skipParenthesised();
                yield expressions.refuse(token.at(), "a row value", "compare column by column");
            }
            default -> {
                tokens.skipParenthesised();
                yield refuseFunction(token);
            }
        };
    }

    private List<Node> arguments() {
        tokens.expectSymbol("(");
        List<Node> list = expressions.expressions();
        tokens.expectSymbol(")");
        return list;
    }

    private Node cast(SqlToken token) {
        tokens.expectSymbol("(");
        Node operand = expressions.expression();
        tokens.expectWord("as");
        TypeName type = types.typeName();
        tokens.expectSymbol(")");
        return new Node.Cast(token.at(), operand, type);
    }

    private Node nullIf(SqlToken token) {
        List<Node> list = arguments();
        if (list.size() != 2) {
            return expressions.refuse(Signature.arity(token.at(), "nullif", list.size()));
        }
        return new Node.NullIf(token.at(), list.get(0), list.get(1));
    }

    /// `TRIM([BOTH | LEADING | TRAILING] [characters] [FROM] text [, ..])`.
    private Node trim(SqlToken token) {
        tokens.expectSymbol("(");
        String function = "btrim";
        if (tokens.acceptWord("leading")) {
            function = "ltrim";
        } else if (tokens.acceptWord("trailing")) {
            function = "rtrim";
        } else {
            tokens.acceptWord("both");
        }
        List<Node> list;
        if (tokens.acceptWord("from")) {
            list = expressions.expressions();
        } else {
            list = expressions.expressions();
            if (list.size() == 1 && tokens.acceptWord("from")) {
                List<Node> texts = new ArrayList<>(expressions.expressions());
                texts.add(list.getFirst());
                list = texts;
            }
        }
        tokens.expectSymbol(")");
        return new Node.Call(token.at(), function, Node.Call.Syntax.KEYWORDS, list);
    }

    /// `SUBSTRING(text FROM n FOR m)`, in either order, or with commas.
    private Node substring(SqlToken token) {
        tokens.expectSymbol("(");
        List<Node> list = new ArrayList<>(expressions.expressions());
        Node.Call.Syntax syntax = Node.Call.Syntax.PLAIN;
        if (list.size() == 1 && !tokens.peek().isSymbol(")")) {
            syntax = Node.Call.Syntax.KEYWORDS;
            positions(token, list);
        }
        if (!tokens.peek().isSymbol(")")) {
            throw tokens.unexpected("expected ')' after SUBSTRING");
        }
        tokens.take();
        return new Node.Call(token.at(), "substring", syntax, list);
    }

    private void positions(SqlToken token, List<Node> list) {
        if (tokens.peek().isWord("similar")) {
            throw new Refusal(
                    token.at(), "SUBSTRING by a pattern is not supported", "use positions");
        }
        @Nullable Node from = tokens.acceptWord("from") ? expressions.expression() : null;
        @Nullable Node length = tokens.acceptWord("for") ? expressions.expression() : null;
        if (from == null && tokens.acceptWord("from")) {
            from = expressions.expression();
        }
        list.add(from == null ? new Node.Number(token.at(), "1", true) : from);
        if (length != null) {
            TypeName integer = new TypeName(length.at(), "int4", false, List.of(), false);
            list.add(from == null ? new Node.Cast(length.at(), length, integer) : length);
        }
    }

    private Node caseExpression() {
        SqlToken token = tokens.take();
        @Nullable Node subject = tokens.peek().isWord("when") ? null : expressions.expression();
        List<Node.Case.When> whens = new ArrayList<>();
        while (tokens.acceptWord("when")) {
            Node condition = expressions.expression();
            tokens.expectWord("then");
            whens.add(new Node.Case.When(condition, expressions.expression()));
        }
        @Nullable Node otherwise = tokens.acceptWord("else") ? expressions.expression() : null;
        if (whens.isEmpty()) {
            throw tokens.unexpected("expected WHEN");
        }
        tokens.expectWord("end");
        return new Node.Case(token.at(), subject, whens, otherwise);
    }
}
