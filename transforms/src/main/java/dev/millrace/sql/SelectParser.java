package dev.millrace.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Reads the text of a SELECT as PostgreSQL does, and refuses by name what this language doesn't
/// take. Pure; safe for any thread.
public final class SelectParser {

    private static final int LONGEST = 100_000;

    private final String text;
    private final ProblemLog problems;
    private final TokenStream tokens;
    private final ExpressionParser expressions;

    private SelectParser(String text, ProblemLog problems) {
        this.text = text;
        this.problems = problems;
        this.tokens = new TokenStream(new Lexer(text).tokens());
        this.expressions = new ExpressionParser(tokens, problems);
    }

    /// Either a statement, or every problem up to the first place behind which nothing could be
    /// read any more, those of [SelectStatement#problems()] among them.
    public static ParseResult parse(String text) {
        ProblemLog problems = new ProblemLog(text);
        if (text.length() > LONGEST) {
            problems.add(0, "the SELECT is longer than " + LONGEST + " characters", "shorten it");
            return new ParseResult.Refused(problems.inOrder());
        }
        List<SelectStatement.Item> items = new ArrayList<>();
        List<Node> conditions = new ArrayList<>();
        try {
            SelectStatement statement =
                    new SelectParser(text, problems).statement(items, conditions);
            if (problems.isEmpty()) {
                return new ParseResult.Parsed(statement);
            }
            new StatementCheck(problems).check(statement);
        } catch (Refusal failure) {
            failure.addTo(problems);
            new StatementCheck(problems).check(items, conditions);
        }
        return new ParseResult.Refused(problems.inOrder());
    }

    /// @param items takes the select list as it is read, and `conditions` the WHERE, for what can
    ///   be said of them if the rest can't be read
    private SelectStatement statement(List<SelectStatement.Item> items, List<Node> conditions) {
        if (tokens.peek().isWord("with")) {
            throw refusal("WITH", "write the SELECT over the table itself");
        }
        if (!tokens.acceptWord("select")) {
            throw tokens.unexpected("a mapping is a SELECT");
        }
        refuseDistinct();
        do {
            items.add(item());
        } while (tokens.acceptSymbol(","));
        if (tokens.peek().isWord("into")) {
            throw refusal("INTO", "name the target table in the file");
        }
        if (tokens.peek().kind() == SqlToken.Kind.END) {
            throw tokens.unexpected("expected FROM and the source table");
        }
        tokens.expectWord("from");
        SelectStatement.Source source = source();
        @Nullable Node where =
                tokens.acceptWord("where")
                        ? NodeParts.withinHeight(expressions.expression())
                        : null;
        if (where != null) {
            conditions.add(where);
        }
        refuseRest();
        return new SelectStatement(text, items, source, where, CaseChange.occursIn(items, where));
    }

    private void refuseDistinct() {
        SqlToken token = tokens.peek();
        if (tokens.acceptWord("distinct")) {
            problems.add(
                    token.at(),
                    "DISTINCT is not supported",
                    "a target row is made of one source row; leave it out");
            if (tokens.acceptWord("on")) {
                tokens.skipParenthesised();
            }
        } else {
            tokens.acceptWord("all");
        }
    }

    private SelectStatement.Item item() {
        SqlToken first = tokens.peek();
        int star = starAhead();
        if (star >= 0) {
            List<String> qualifier = new ArrayList<>();
            for (int i = 0; i < star; i += 2) {
                qualifier.add(tokens.peek(i).text());
            }
            for (int i = 0; i <= star; i++) {
                tokens.take();
            }
            return new SelectStatement.Item.Star(first.at(), qualifier);
        }
        Node node = NodeParts.withinHeight(expressions.expression());
        @Nullable String alias = alias();
        return new SelectStatement.Item.Expression(
                first.at(), node, alias == null ? OutputNames.of(node) : alias);
    }

    /// How many tokens ahead the star of `*`, `t.*` or `s.t.*` stands; -1 when there is none.
    private int starAhead() {
        int ahead = 0;
        while (Keywords.mayNameColumn(tokens.peek(ahead)) && tokens.peek(ahead + 1).isSymbol(".")) {
            ahead += 2;
        }
        return tokens.peek(ahead).isOperator("*") ? ahead : -1;
    }

    private @Nullable String alias() {
        if (tokens.acceptWord("as")) {
            if (!Keywords.mayBeAlias(tokens.peek())) {
                throw tokens.unexpected("expected a name behind AS");
            }
            return tokens.take().text();
        }
        return Keywords.mayBeBareAlias(tokens.peek()) ? tokens.take().text() : null;
    }

    private SelectStatement.Source source() {
        SqlToken first = tokens.peek();
        if (first.isSymbol("(")) {
            throw refusal("a subquery in FROM", "name one table");
        }
        if (first.isWord("only")
                || first.isWord("lateral")
                || first.isWord("rows") && tokens.peek(1).isWord("from")) {
            throw refusal(first.text().toUpperCase(Locale.ROOT), "name one table");
        }
        String name = tableName();
        @Nullable String schema = null;
        if (tokens.acceptSymbol(".")) {
            schema = name;
            name = tokens.peek().isOperator("*") ? wildcard() : tableName();
        }
        if (tokens.peek().isSymbol(".")) {
            throw refusal("a database before the schema", "write schema.table");
        }
        if (tokens.peek().isSymbol("(")) {
            throw refusal("a function in FROM", "name one table");
        }
        if (tokens.peek().isOperator("*")) {
            throw refusal("'*' behind the table", "leave it out");
        }
        @Nullable String alias = sourceAlias();
        if (alias != null && tokens.peek().isSymbol("(")) {
            throw refusal("a list of column aliases", "give the columns their aliases in the list");
        }
        return new SelectStatement.Source(first.at(), schema, name, alias);
    }

    private String wildcard() {
        throw refusal("FROM schema.* for one target table", "name one table");
    }

    private String tableName() {
        if (!Keywords.mayNameColumn(tokens.peek())) {
            throw tokens.unexpected("expected the source table");
        }
        return tokens.take().text();
    }

    private @Nullable String sourceAlias() {
        if (tokens.acceptWord("as") || Keywords.mayNameColumn(tokens.peek())) {
            return tableName();
        }
        return null;
    }

    private void refuseRest() {
        SqlToken token = tokens.peek();
        if (token.kind() == SqlToken.Kind.END) {
            return;
        }
        if (token.isSymbol(";")) {
            throw refusal("a semicolon", "leave it out");
        }
        if (token.isSymbol(",")) {
            throw refusal(
                    "a second table in FROM", "a target row is made of one source table's row");
        }
        String word = token.kind() == SqlToken.Kind.WORD ? token.text() : "";
        switch (word) {
            case "join", "inner", "left", "right", "full", "cross", "natural" ->
                    throw refusal("a join", "a target row is made of one source table's row");
            case "group", "having", "window" ->
                    throw refusal(
                            word.equals("group") ? "GROUP BY" : word.toUpperCase(Locale.ROOT),
                            "a target row is made of one source row");
            case "order" -> throw refusal("ORDER BY", "a table has no order; leave it out");
            case "limit", "offset", "fetch" ->
                    throw refusal(
                            word.toUpperCase(Locale.ROOT),
                            "choose the rows by WHERE on their values");
            case "union", "intersect", "except" ->
                    throw refusal(
                            word.toUpperCase(Locale.ROOT), "declare one mapping for each SELECT");
            case "for" -> throw refusal("FOR UPDATE and its like", "leave it out");
            case "tablesample" -> throw refusal("TABLESAMPLE", "choose the rows by WHERE");
            default -> throw tokens.unexpected("expected the end of the SELECT");
        }
    }

    private Refusal refusal(String what, String instead) {
        return new Refusal(tokens.peek().at(), what + " is not supported", instead);
    }

    /// Finds `lower` and `upper` in a statement.
    static final class CaseChange {

        private CaseChange() {}

        static boolean occursIn(List<SelectStatement.Item> items, @Nullable Node where) {
            return where != null && occursIn(where)
                    || items.stream()
                            .anyMatch(
                                    item ->
                                            switch (item) {
                                                case SelectStatement.Item.Expression(
                                                                _,
                                                                Node node,
                                                                _) ->
                                                        occursIn(node);
                                                case SelectStatement.Item.Star _ -> false;
                                            });
        }

        private static boolean occursIn(Node node) {
            if (node instanceof Node.Call(_, String name, _, _)
                    && (name.equals("lower") || name.equals("upper"))) {
                return true;
            }
            return NodeParts.of(node).anyMatch(CaseChange::occursIn);
        }
    }

    /// What the parser made of a text.
    public sealed interface ParseResult {

        record Parsed(SelectStatement statement) implements ParseResult {}

        /// The text is not a SELECT of this language; every problem found, in the order of the
        /// text.
        record Refused(List<SelectProblem> problems) implements ParseResult {
            public Refused {
                problems = List.copyOf(problems);
                if (problems.isEmpty()) {
                    throw new IllegalArgumentException("a refusal names at least one problem");
                }
            }
        }
    }
}
