package dev.millrace.deploy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads just enough of a PromQL expression to name every series that it asks for. What isn't
/// understood is refused, so that no name slips through.
final class PromQl {

    private static final Pattern TOKEN =
            Pattern.compile(
                    "\\s*(?:(?<string>\"[^\"\\\\]*\")|(?<range>\\[\\d+[smhdwy](?::\\d*[smhdwy]?)?])"
                            + "|(?<number>\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)|(?<name>[A-Za-z_:][A-Za-z0-9_:]*)"
                            + "|(?<sign>==|!=|=~|!~|>=|<=|[-+*/%^(){},<>=]))\\s*");
    private static final Set<String> FUNCTIONS =
            Set.of(
                    "rate",
                    "increase",
                    "absent",
                    "time",
                    "clamp_max",
                    "clamp_min",
                    "sum",
                    "max",
                    "min",
                    "avg",
                    "count",
                    "max_over_time",
                    "changes");
    private static final Set<String> OPERATORS = Set.of("and", "or", "unless", "bool");
    private static final Set<String> WITH_LABELS =
            Set.of("on", "ignoring", "by", "without", "group_left", "group_right");

    private final String expression;
    private final List<String> tokens = new ArrayList<>();
    private final List<Series> series = new ArrayList<>();
    private int at;

    private PromQl(String expression) {
        this.expression = expression;
    }

    /// @param labels that the expression names for it
    record Series(String metric, Set<String> labels) {}

    /// @throws IllegalArgumentException when the expression isn't understood
    static List<Series> series(String expression) {
        PromQl query = new PromQl(expression);
        query.split();
        query.read();
        return query.series;
    }

    private void split() {
        Matcher token = TOKEN.matcher(expression);
        int end = 0;
        while (end < expression.length()) {
            if (!token.region(end, expression.length()).lookingAt()) {
                throw refused("at " + expression.substring(end));
            }
            tokens.add(token.group().strip());
            end = token.end();
        }
    }

    private void read() {
        int depth = 0;
        while (at < tokens.size()) {
            String token = tokens.get(at++);
            if (token.equals("(")) {
                depth++;
            } else if (token.equals(")")) {
                depth--;
            } else if (token.equals("{")) {
                throw refused("matchers without a metric");
            } else if (Character.isLetter(token.charAt(0)) || token.charAt(0) == '_') {
                name(token);
            }
            if (depth < 0) {
                throw refused("a parenthesis too many");
            }
        }
        if (depth != 0 || series.isEmpty() && !expression.contains("time(")) {
            throw refused("an open parenthesis, or nothing to ask for");
        }
    }

    private void name(String name) {
        if (WITH_LABELS.contains(name)) {
            inParentheses();
        } else if (at < tokens.size()
                && (tokens.get(at).equals("(") || WITH_LABELS.contains(tokens.get(at)))
                && !OPERATORS.contains(name)) {
            if (!FUNCTIONS.contains(name)) {
                throw refused("the function " + name);
            }
        } else if (!OPERATORS.contains(name)) {
            series.add(new Series(name, matchers()));
        }
    }

    private void inParentheses() {
        if (at >= tokens.size() || !tokens.get(at).equals("(")) {
            throw refused("labels without parentheses");
        }
        while (!tokens.get(at++).equals(")")) {
            if (at >= tokens.size()) {
                throw refused("labels without an end");
            }
        }
    }

    private Set<String> matchers() {
        Set<String> labels = new TreeSet<>();
        if (at >= tokens.size() || !tokens.get(at).equals("{")) {
            return labels;
        }
        at++;
        while (true) {
            if (at + 3 >= tokens.size()
                    || !Set.of("=", "!=", "=~", "!~").contains(tokens.get(at + 1))
                    || !tokens.get(at + 2).startsWith("\"")) {
                throw refused("a matcher");
            }
            labels.add(tokens.get(at));
            at += 4;
            if (tokens.get(at - 1).equals("}")) {
                return labels;
            }
        }
    }

    private IllegalArgumentException refused(String what) {
        return new IllegalArgumentException("not understood: " + what + " in " + expression);
    }
}
