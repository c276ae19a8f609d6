package dev.millrace.mapping;

import java.util.random.RandomGenerator;

/// Makes random expressions as *text*: parentheses and blanks are left out wherever the language
/// may allow it, so the tree of a text is decided by its reader. Some texts mean nothing; then both
/// readers have to refuse them. The columns are those of [OracleTable].
final class SqlTextGenerator {

    private final RandomGenerator random;
    private final SqlTokens sql;
    private final SqlLeaves leaf;
    private final SqlPredicates predicate;

    SqlTextGenerator(RandomGenerator random) {
        this.random = random;
        sql = new SqlTokens(random);
        leaf = new SqlLeaves(random, sql);
        predicate = new SqlPredicates(random, sql, leaf, this);
    }

    String expression() {
        int depth = 1 + random.nextInt(4);
        return switch (random.nextInt(4)) {
            case 0 -> whole(depth);
            case 1 -> number(depth);
            case 2 -> text(depth);
            default -> truth(depth);
        };
    }

    String whole(int depth) {
        if (depth == 0) {
            return leaf.whole();
        }
        int less = depth - 1;
        return sql.maybeParenthesised(
                switch (random.nextInt(14)) {
                    case 0, 1, 2, 3, 4 ->
                            sql.join(whole(less), sql.pick("+", "-", "*", "/", "%"), whole(less));
                    case 5 -> sql.join(sql.pick("-", "+", "- -", "-+"), whole(less));
                    case 6 -> sql.join("abs", "(", whole(less), ")");
                    case 7 ->
                            sql.join(
                                    sql.pick("length", "char_length", "character_length"),
                                    "(",
                                    text(less),
                                    ")");
                    case 8 -> conditional(this::whole, less);
                    case 9 -> sql.join("CAST", "(", number(less), "AS", leaf.wholeType(), ")");
                    case 10 -> sql.join(whole(less), "::", leaf.wholeType());
                    case 11 -> sql.join(text(less), "::", leaf.wholeType());
                    case 12 -> sql.join(truth(less), "::", "int");
                    default -> whole(0);
                });
    }

    String number(int depth) {
        if (depth == 0) {
            return leaf.number();
        }
        int less = depth - 1;
        return sql.maybeParenthesised(
                switch (random.nextInt(13)) {
                    case 0, 1, 2, 3 ->
                            sql.join(number(less), sql.pick("+", "-", "*", "/", "%"), number(less));
                    case 4 ->
                            sql.join(number(less), sql.pick("+", "-", "*", "/", "%"), whole(less));
                    case 5 ->
                            sql.join(whole(less), sql.pick("+", "-", "*", "/", "%"), number(less));
                    case 6 -> sql.join(sql.pick("-", "+"), number(less));
                    case 7 -> sql.join(sql.pick("abs", "round"), "(", number(less), ")");
                    case 8 ->
                            sql.join(
                                    "round",
                                    "(",
                                    random.nextBoolean() ? number(less) : whole(less),
                                    ",",
                                    sql.pick("0", "1", "2", "-1", "-2", "5", "s % 4"),
                                    ")");
                    case 9 -> conditional(this::number, less);
                    case 10 -> sql.join("CAST", "(", any(less), "AS", leaf.numericType(), ")");
                    case 11 -> sql.join(any(less), "::", leaf.numericType());
                    default -> number(0);
                });
    }

    String text(int depth) {
        if (depth == 0) {
            return leaf.text();
        }
        int less = depth - 1;
        return sql.maybeParenthesised(
                switch (random.nextInt(15)) {
                    case 0, 1 -> sql.join(text(less), "||", text(less));
                    case 2 -> sql.join(text(less), "||", any(less));
                    case 3 -> sql.join(any(less), "||", text(less));
                    case 4 -> sql.join(sql.pick("lower", "upper"), "(", text(less), ")");
                    case 5 -> trim(less);
                    case 6 -> substring(less);
                    case 7 ->
                            sql.join(
                                    "replace", "(", text(less), ",", text(0), ",", text(less), ")");
                    case 8 -> sql.join("concat", "(", any(less), ",", any(less), ",", any(0), ")");
                    case 9 ->
                            sql.join(
                                    "concat_ws", "(", text(0), ",", any(less), ",", any(less), ")");
                    case 10 -> conditional(this::text, less);
                    case 11 -> sql.join("CAST", "(", any(less), "AS", leaf.textType(), ")");
                    case 12 -> sql.join(any(less), "::", leaf.textType());
                    default -> text(0);
                });
    }

    private String trim(int less) {
        return switch (random.nextInt(5)) {
            case 0 -> sql.join("trim", "(", text(less), ")");
            case 1 ->
                    sql.join(
                            "trim",
                            "(",
                            sql.pick("both", "leading", "trailing"),
                            text(0),
                            "from",
                            text(less),
                            ")");
            case 2 -> sql.join("TRIM", "(", text(0), "FROM", text(less), ")");
            case 3 ->
                    sql.join(
                            sql.pick("btrim", "ltrim", "rtrim"),
                            "(",
                            text(less),
                            ",",
                            text(0),
                            ")");
            default -> sql.join(sql.pick("btrim", "ltrim", "rtrim"), "(", text(less), ")");
        };
    }

    private String substring(int less) {
        String from = sql.pick("1", "0", "-1", "2", "3", "s", "i", "2147483647");
        String length = sql.pick("0", "1", "2", "5", "s", "2147483647", "-1");
        return switch (random.nextInt(5)) {
            case 0 -> sql.join("substring", "(", text(less), "from", from, "for", length, ")");
            case 1 -> sql.join("substring", "(", text(less), "from", from, ")");
            case 2 -> sql.join("substring", "(", text(less), "for", length, ")");
            case 3 -> sql.join("substring", "(", text(less), ",", from, ",", length, ")");
            default -> sql.join("substr", "(", text(less), ",", from, ")");
        };
    }

    String truth(int depth) {
        if (depth == 0) {
            return leaf.truth();
        }
        int less = depth - 1;
        return sql.maybeParenthesised(
                switch (random.nextInt(20)) {
                    case 0, 1, 2, 3 -> predicate.comparison(less);
                    case 4, 5 ->
                            sql.join(truth(less), sql.pick("AND", "OR", "and", "or"), truth(less));
                    case 6 -> sql.join("NOT", truth(less));
                    case 7 ->
                            sql.join(
                                    any(less),
                                    sql.pick("IS NULL", "IS NOT NULL", "isnull", "NOTNULL"));
                    case 8 ->
                            sql.join(
                                    truth(less),
                                    sql.pick(
                                            "IS TRUE",
                                            "IS NOT TRUE",
                                            "IS FALSE",
                                            "IS NOT FALSE",
                                            "IS UNKNOWN",
                                            "is not unknown"));
                    case 9, 10 -> predicate.in(less);
                    case 11, 12 -> predicate.between(less);
                    case 13, 14 -> predicate.like(less);
                    case 15 -> conditional(this::truth, less);
                    case 16 -> sql.join(text(less), "::", "bool");
                    case 17 -> sql.join(sql.pick("i", "i % 2"), "::boolean");
                    default -> truth(0);
                });
    }

    String any(int depth) {
        return switch (random.nextInt(6)) {
            case 0 -> whole(depth);
            case 1 -> number(depth);
            case 2 -> truth(depth);
            case 3 -> sql.pick("d", "ts", "tz", "u", "j", "f", "NULL");
            default -> text(depth);
        };
    }

    private interface Source {
        String make(int depth);
    }

    private String conditional(Source source, int less) {
        return switch (random.nextInt(4)) {
            case 0 ->
                    sql.join(
                            "CASE",
                            "WHEN",
                            truth(less),
                            "THEN",
                            source.make(less),
                            random.nextBoolean() ? sql.join("ELSE", source.make(less)) : "",
                            "END");
            case 1 ->
                    sql.join(
                            "CASE",
                            source.make(less),
                            "WHEN",
                            source.make(less),
                            "THEN",
                            source.make(less),
                            "WHEN",
                            source.make(0),
                            "THEN",
                            source.make(0),
                            "ELSE",
                            source.make(less),
                            "END");
            case 2 -> sql.join("COALESCE", "(", source.make(less), ",", source.make(less), ")");
            default -> sql.join("NULLIF", "(", source.make(less), ",", source.make(less), ")");
        };
    }
}
