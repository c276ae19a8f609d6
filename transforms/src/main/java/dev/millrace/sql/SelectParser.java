package dev.millrace.sql;

import dev.millrace.problem.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Parses a SELECT as PostgreSQL does, and reports by name every construct that this language does
/// not support. Pure; thread-safe.
public final class SelectParser {

    private static final int MAX_LENGTH = 100_000;

    private final SelectText text;
    private final ProblemLog problems;
    private final TokenStream tokens;
    private final ExpressionParser expressions;

    private SelectParser(SelectText text, ProblemLog problems) {
        this.text = text;
        this.problems = problems;
        this.tokens = new TokenStream(new Lexer(text.text()).tokens());
        this.expressions = new ExpressionParser(tokens, problems);
    }

    /// Returns a statement, or every problem up to the place where parsing could not continue. In
    /// the second case the problems include those of [SelectStatement#problems()].
    public static ParseResult parse(SelectText text) {
        ProblemLog problems = new ProblemLog(text);
        if (text.text().length() > MAX_LENGTH) {
            problems.add(
                    0, "the SELECT is longer than " + MAX_LENGTH + " characters", "shorten it");
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

    /// Parses a text that is not in a file.
    public static ParseResult parse(String text) {
        return parse(SelectText.of(text));
    }

    /// @param items receives the select list while it is parsed, and `conditions` the WHERE: they
    ///   are checked even if the rest cannot be parsed
    private SelectStatement statement(List<SelectStatement.Item> items, List<Node> conditions) {
        if (tokens.peek().isWord("with")) {
            throw refusal("WITH", "select from the table itself");
        }
        if (!tokens.acceptWord("select")) {
            throw tokens.unexpected("expected SELECT");
        }
        refuseDistinct();
        do {
            items.add(item());
        } while (tokens.acceptSymbol(","));
        if (tokens.peek().isWord("into")) {
            throw refusal("INTO", "name the target table as the key of this entry");
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
        return new SelectStatement(
                text, text.text(), items, source, where, CaseChange.occursIn(items, where));
    }

    private void refuseDistinct() {
        SqlToken token = tokens.peek();
        if (tokens.acceptWord("distinct")) {
            problems.add(
                    token.at(),
                    "DISTINCT is not supported",
                    "remove DISTINCT; each target row comes from one source row");
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
            int starAt = tokens.peek(star).at();
            for (int i = 0; i <= star; i++) {
                tokens.take();
            }
            return new SelectStatement.Item.Star(first.at(), qualifier, starAt);
        }
        Node node = NodeParts.withinHeight(expressions.expression());
        @Nullable String alias = alias();
        return new SelectStatement.Item.Expression(
                first.at(), node, alias == null ? OutputNames.of(node) : alias);
    }

    /// The number of tokens before the `*` of `*`, `t.*` or `s.t.*`; -1 when there is none.
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
                throw tokens.unexpected("expected a name after AS");
            }
            return tokens.take().text();
        }
        return Keywords.mayBeBareAlias(tokens.peek()) ? tokens.take().text() : null;
    }

    private SelectStatement.Source source() {
        SqlToken first = tokens.peek();
        if (first.isSymbol("(")) {
            throw refusal("a subquery in FROM", "select from one table");
        }
        if (first.isWord("only")
                || first.isWord("lateral")
                || first.isWord("rows") && tokens.peek(1).isWord("from")) {
            throw refusal(first.text().toUpperCase(Locale.ROOT), "select from one table");
        }
        String name = tableName();
        @Nullable String schema = null;
        if (tokens.acceptSymbol(".")) {
            schema = name;
            name = tokens.peek().isOperator("*") ? wildcard() : tableName();
        }
        if (tokens.peek().isSymbol(".")) {
            throw refusal("a database name before the schema", "write schema.table");
        }
        if (tokens.peek().isSymbol("(")) {
            throw refusal("a function in FROM", "select from one table");
        }
        if (tokens.peek().isOperator("*")) {
            throw refusal("'*' after the table", "remove it");
        }
        @Nullable String alias = sourceAlias();
        if (alias != null && tokens.peek().isSymbol("(")) {
            throw refusal("a list of column aliases", "write the aliases in the select list");
        }
        return new SelectStatement.Source(first.at(), schema, name, alias);
    }

    private String wildcard() {
        throw refusal("FROM schema.* for one target table", "select from one table");
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
            throw refusal("a semicolon", "remove it");
        }
        if (token.isSymbol(",")) {
            throw refusal("a second table in FROM", "select from one table");
        }
        String word = token.kind() == SqlToken.Kind.WORD ? token.text() : "";
        switch (word) {
            case "join", "inner", "left", "right", "full", "cross", "natural" ->
                    throw refusal("a join", "select from one table");
            case "group", "having", "window" ->
                    throw refusal(
                            word.equals("group") ? "GROUP BY" : word.toUpperCase(Locale.ROOT),
                            "remove it; each target row comes from one source row");
            case "order" -> throw refusal("ORDER BY", "remove it; tables are not ordered");
            case "limit", "offset", "fetch" ->
                    throw refusal(word.toUpperCase(Locale.ROOT), "filter the rows with WHERE");
            case "union", "intersect", "except" ->
                    throw refusal(
                            word.toUpperCase(Locale.ROOT),
                            "declare one target table for each" + " SELECT");
            case "for" -> throw refusal("a locking clause such as FOR UPDATE", "remove it");
            case "tablesample" -> throw refusal("TABLESAMPLE", "filter the rows with WHERE");
            default -> throw tokens.unexpected("expected the end of the SELECT");
        }
    }

    private Refusal refusal(String what, String remedy) {
        return new Refusal(tokens.peek().at(), what + " is not supported", remedy);
    }

    /// Finds calls of `lower` and `upper` in a statement.
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

    /// The outcome of parsing a text.
    public sealed interface ParseResult {

        record Parsed(SelectStatement statement) implements ParseResult {}

        /// The text is not a SELECT of this language. Contains every problem found, in the order of
        /// the text.
        record Refused(List<Problem> problems) implements ParseResult {
            public Refused {
                problems = List.copyOf(problems);
                if (problems.isEmpty()) {
                    throw new IllegalArgumentException("a refusal names at least one problem");
                }
            }
        }
    }
}
