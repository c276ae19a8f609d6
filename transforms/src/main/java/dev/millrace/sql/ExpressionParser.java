package dev.millrace.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Parses expressions by PostgreSQL's precedence (a Pratt parser). Constructs of PostgreSQL that
/// this language does not support are parsed with PostgreSQL's precedence and refused by name. Not
/// thread-safe; used for one parse.
final class ExpressionParser {

    /// Precedences, lowest first, as in PostgreSQL's grammar (gram.y).
    private static final int OR = 1;

    private static final int AND = 2;
    private static final int NOT = 3;
    private static final int IS = 4;
    private static final int COMPARISON = 5;
    private static final int RANGE = 6;
    private static final int ESCAPE = 7;
    private static final int OTHER_OPERATOR = 8;
    private static final int ADDITION = 9;
    private static final int MULTIPLICATION = 10;
    private static final int POWER = 11;
    private static final int AT_TIME_ZONE = 12;
    private static final int COLLATE = 13;
    private static final int SIGN = 14;
    private static final int SUBSCRIPT = 15;
    private static final int CAST = 16;

    private static final int MAX_DEPTH = 200;

    /// The lower bound of a BETWEEN is an expression without AND, OR, NOT, IS NULL, IN, LIKE and
    /// BETWEEN (`b_expr` in PostgreSQL's grammar).
    private enum Form {
        FULL,
        WITHOUT_KEYWORDS
    }

    private final TokenStream tokens;
    private final ProblemLog problems;
    private final PrimaryParser primaries;
    private final TypeNameParser types;
    private int depth;

    ExpressionParser(TokenStream tokens, ProblemLog problems) {
        this.tokens = tokens;
        this.problems = problems;
        this.types = new TypeNameParser(tokens);
        this.primaries = new PrimaryParser(tokens, this, types);
    }

    Node expression() {
        return parse(0, Form.FULL);
    }

    List<Node> expressions() {
        List<Node> list = new ArrayList<>();
        do {
            list.add(expression());
        } while (tokens.acceptSymbol(","));
        return list;
    }

    private Node parse(int minimum, Form form) {
        if (++depth > MAX_DEPTH) {
            throw new Refusal(
                    tokens.peek().at(),
                    "the expression is nested more than " + MAX_DEPTH + " deep",
                    "split it into several columns or simplify it");
        }
        Node left = prefix(form);
        int completed = 0;
        while (true) {
            int precedence = precedence(form);
            if (precedence == 0 || precedence < minimum) {
                depth--;
                return left;
            }
            if (precedence == completed) {
                throw tokens.unexpected("comparisons cannot be chained; use parentheses");
            }
            Infix infix = infix(left, precedence, form);
            left = infix.node();
            completed = infix.chains() ? 0 : precedence;
        }
    }

    /// @param chains false for an operator that does not associate
    private record Infix(Node node, boolean chains) {}

    private Node prefix(Form form) {
        SqlToken token = tokens.peek();
        if (token.isWord("not") && form == Form.FULL) {
            tokens.take();
            return new Node.Not(token.at(), parse(NOT, Form.FULL));
        }
        if (token.isOperator("-") || token.isOperator("+")) {
            tokens.take();
            return signed(token, parse(SIGN, form));
        }
        if (token.kind() == SqlToken.Kind.OPERATOR) {
            tokens.take();
            parse(OTHER_OPERATOR, form);
            return refuse(
                    token.at(), "the prefix operator " + token.text(), RefusedNames.OPERATORS);
        }
        return primaries.primary();
    }

    /// A minus before a plain number is part of the number, as in PostgreSQL: -2147483648 is an
    /// integer.
    private static Node signed(SqlToken token, Node operand) {
        boolean minus = token.isOperator("-");
        if (minus && operand instanceof Node.Number(_, String digits, boolean integer)) {
            String negated = digits.startsWith("-") ? digits.substring(1) : "-" + digits;
            return new Node.Number(token.at(), negated, integer);
        }
        return new Node.Sign(token.at(), minus, operand);
    }

    /// The precedence of the next token as an infix operator, or 0 when it is none.
    private int precedence(Form form) {
        SqlToken token = tokens.peek();
        return switch (token.kind()) {
            case OPERATOR -> operatorPrecedence(token.text());
            case SYMBOL -> symbolPrecedence(token.text());
            case WORD -> wordPrecedence(token.text(), form);
            case QUOTED_NAME, STRING, INTEGER, DECIMAL, END -> 0;
        };
    }

    private static int operatorPrecedence(String operator) {
        return switch (operator) {
            case "=", "<>", "<", "<=", ">", ">=" -> COMPARISON;
            case "+", "-" -> ADDITION;
            case "*", "/", "%" -> MULTIPLICATION;
            case "^" -> POWER;
            case "=>" -> 0;
            default -> OTHER_OPERATOR;
        };
    }

    private static int symbolPrecedence(String symbol) {
        return switch (symbol) {
            case "::" -> CAST;
            case "[" -> SUBSCRIPT;
            default -> 0;
        };
    }

    private int wordPrecedence(String word, Form form) {
        if (word.equals("is") && (form == Form.FULL || isDistinctAhead())) {
            return IS;
        }
        if (word.equals("operator") && tokens.peek(1).isSymbol("(")) {
            return OTHER_OPERATOR;
        }
        if (form == Form.WITHOUT_KEYWORDS) {
            return 0;
        }
        return switch (word) {
            case "or" -> OR;
            case "and" -> AND;
            case "isnull", "notnull" -> IS;
            case "between", "in", "like", "ilike", "similar", "overlaps" -> RANGE;
            case "not" -> isNegatedRangeAhead() ? RANGE : 0;
            case "at" -> AT_TIME_ZONE;
            case "collate" -> COLLATE;
            default -> 0;
        };
    }

    private boolean isDistinctAhead() {
        SqlToken next = tokens.peek(1).isWord("not") ? tokens.peek(2) : tokens.peek(1);
        return next.isWord("distinct");
    }

    private boolean isNegatedRangeAhead() {
        SqlToken next = tokens.peek(1);
        return next.isWord("between")
                || next.isWord("in")
                || next.isWord("like")
                || next.isWord("ilike")
                || next.isWord("similar");
    }

    private Infix infix(Node left, int precedence, Form form) {
        SqlToken token = tokens.take();
        if (token.kind() == SqlToken.Kind.OPERATOR) {
            return operator(left, token, precedence, form);
        }
        return switch (token.text()) {
            case "::" -> chaining(new Node.Cast(token.at(), left, types.typeName()));
            case "[" -> subscript(token);
            case "or" -> chaining(new Node.Or(token.at(), left, parse(OR + 1, form)));
            case "and" -> chaining(new Node.And(token.at(), left, parse(AND + 1, form)));
            case "isnull" -> chaining(new Node.IsNull(token.at(), left, false));
            case "notnull" -> chaining(new Node.IsNull(token.at(), left, true));
            case "is" -> is(left, token, form);
            case "not" -> range(left, token, tokens.take().text(), true);
            case "at" -> atTimeZone(token);
            case "collate" -> collate(token);
            case "operator" -> operatorByName(token, form);
            default -> range(left, token, token.text(), false);
        };
    }

    private static Infix chaining(Node node) {
        return new Infix(node, true);
    }

    private Infix operator(Node left, SqlToken token, int precedence, Form form) {
        SqlToken next = tokens.peek();
        if ((next.isWord("any") || next.isWord("some") || next.isWord("all"))
                && tokens.peek(1).isSymbol("(")) {
            tokens.take();
            tokens.skipParenthesised();
            return chaining(
                    refuse(token.at(), token.text() + " " + next.text() + " (..)", "use IN (..)"));
        }
        Node right = parse(precedence + 1, form);
        boolean chains = precedence != COMPARISON;
        String operator = token.text();
        return switch (operator) {
            case "+", "-", "*", "/", "%", "||", "=", "<>", "<", "<=", ">", ">=" ->
                    new Infix(new Node.Binary(token.at(), operator, left, right), chains);
            default ->
                    new Infix(
                            refuse(
                                    token.at(),
                                    "the operator " + operator,
                                    RefusedNames.remedyForOperator(operator)),
                            chains);
        };
    }

    private Infix operatorByName(SqlToken token, Form form) {
        tokens.skipParenthesised();
        parse(OTHER_OPERATOR + 1, form);
        return chaining(refuse(token.at(), "OPERATOR(..)", "write the operator itself"));
    }

    private Infix subscript(SqlToken token) {
        int depth = 1;
        while (depth > 0) {
            SqlToken skipped = tokens.take();
            if (skipped.kind() == SqlToken.Kind.END) {
                throw new Refusal(token.at(), "a bracket is not closed", "");
            }
            depth += skipped.isSymbol("[") ? 1 : skipped.isSymbol("]") ? -1 : 0;
        }
        return chaining(refuse(token.at(), "a subscript", "select the whole array"));
    }

    private Infix atTimeZone(SqlToken token) {
        if (!tokens.acceptWord("local")) {
            tokens.expectWord("time");
            tokens.expectWord("zone");
            parse(AT_TIME_ZONE + 1, Form.FULL);
        }
        return chaining(refuse(token.at(), "AT TIME ZONE", "select the column unchanged"));
    }

    private Infix collate(SqlToken token) {
        do {
            tokens.take();
        } while (tokens.acceptSymbol("."));
        return chaining(refuse(token.at(), "COLLATE", "remove it; the column's collation is used"));
    }

    private Infix is(Node left, SqlToken token, Form form) {
        boolean negated = tokens.acceptWord("not");
        SqlToken what = tokens.take();
        return switch (what.kind() == SqlToken.Kind.WORD ? what.text() : "") {
            case "null" -> chaining(new Node.IsNull(token.at(), left, negated));
            case "true" -> truth(left, token, Node.IsTruth.Verdict.TRUE, negated);
            case "false" -> truth(left, token, Node.IsTruth.Verdict.FALSE, negated);
            case "unknown" -> truth(left, token, Node.IsTruth.Verdict.UNKNOWN, negated);
            case "distinct" -> {
                tokens.expectWord("from");
                Node right = parse(IS + 1, form);
                yield new Infix(new Node.IsDistinct(token.at(), left, right, negated), false);
            }
            case "json" -> {
                while (tokens.peek().kind() == SqlToken.Kind.WORD
                        && RefusedNames.IS_JSON_WORDS.contains(tokens.peek().text())) {
                    tokens.take();
                }
                yield chaining(refuse(token.at(), "IS JSON", "select the column unchanged"));
            }
            case "document", "normalized" ->
                    chaining(
                            refuse(
                                    token.at(),
                                    "IS " + what.text().toUpperCase(Locale.ROOT),
                                    "select the column unchanged"));
            case "nfc", "nfd", "nfkc", "nfkd" -> {
                tokens.expectWord("normalized");
                yield chaining(refuse(token.at(), "IS NORMALIZED", "select the column unchanged"));
            }
            default ->
                    throw new Refusal(
                            what.at(),
                            "syntax error at " + what.description() + " after IS",
                            "write NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM after IS");
        };
    }

    private static Infix truth(
            Node left, SqlToken token, Node.IsTruth.Verdict verdict, boolean negated) {
        return chaining(new Node.IsTruth(token.at(), left, verdict, negated));
    }

    /// Parses BETWEEN, IN, LIKE and similar operators, with or without NOT.
    private Infix range(Node left, SqlToken token, String word, boolean negated) {
        return switch (word) {
            case "between" -> between(left, token, negated);
            case "in" -> in(left, token, negated);
            case "like" -> like(left, token, negated);
            case "ilike" -> {
                like(left, token, negated);
                yield new Infix(
                        refuse(token.at(), "ILIKE", "use lower(..) LIKE with a lower-case pattern"),
                        false);
            }
            case "similar" -> {
                tokens.expectWord("to");
                parse(RANGE + 1, Form.FULL);
                if (tokens.acceptWord("escape")) {
                    parse(RANGE + 1, Form.FULL);
                }
                yield new Infix(refuse(token.at(), "SIMILAR TO", "use LIKE"), false);
            }
            default -> {
                parse(RANGE + 1, Form.FULL);
                yield new Infix(
                        refuse(
                                token.at(),
                                word.toUpperCase(Locale.ROOT),
                                "compare the bounds with < and >"),
                        false);
            }
        };
    }

    private Infix between(Node left, SqlToken token, boolean negated) {
        boolean symmetric = tokens.acceptWord("symmetric");
        if (!symmetric) {
            tokens.acceptWord("asymmetric");
        }
        Node low = parse(0, Form.WITHOUT_KEYWORDS);
        tokens.expectWord("and");
        Node high = parse(RANGE + 1, Form.FULL);
        Node node =
                symmetric
                        ? refuse(token.at(), "BETWEEN SYMMETRIC", "write both orders with OR")
                        : new Node.Between(token.at(), left, low, high, negated);
        return new Infix(node, false);
    }

    private Infix in(Node left, SqlToken token, boolean negated) {
        if (tokens.peek(1).isWord("select")
                || tokens.peek(1).isWord("values")
                || tokens.peek(1).isWord("with")) {
            tokens.skipParenthesised();
            return chaining(refuse(token.at(), "IN with a subquery", "list the values"));
        }
        tokens.expectSymbol("(");
        List<Node> items = expressions();
        tokens.expectSymbol(")");
        return chaining(new Node.In(token.at(), left, items, negated));
    }

    private Infix like(Node left, SqlToken token, boolean negated) {
        Node pattern = parse(ESCAPE + 1, Form.FULL);
        @Nullable Node escape = tokens.acceptWord("escape") ? parse(ESCAPE + 1, Form.FULL) : null;
        return new Infix(new Node.Like(token.at(), left, pattern, escape, negated), false);
    }

    Node refuse(Refusal refusal) {
        refusal.addTo(problems);
        return new Node.Refused(refusal.at());
    }

    Node refuse(int at, String what, String remedy) {
        problems.add(at, what + " is not supported", remedy);
        return new Node.Refused(at);
    }
}
