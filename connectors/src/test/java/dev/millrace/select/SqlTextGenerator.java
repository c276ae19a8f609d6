package dev.millrace.select;

import java.util.List;
import java.util.random.RandomGenerator;

/// Makes random expressions as *text*: parentheses and blanks are left out wherever the language
/// may allow it, so the tree of a text is decided by its reader. Some texts mean nothing; then both
/// readers have to refuse them.
final class SqlTextGenerator {

    /// The columns of the table that the texts are about.
    static final String TABLE =
            "CREATE TABLE public.oracle (id int4 PRIMARY KEY, s int2, i int4, l int8, n numeric,"
                    + " m numeric(12,3), t text, v varchar(10), c char(6), x text, b bool, d date,"
                    + " ts timestamp, tz timestamptz, u uuid, j jsonb, f float8)";

    private final RandomGenerator random;

    SqlTextGenerator(RandomGenerator random) {
        this.random = random;
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

    private String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }

    /// The tokens in a row, with as few or as odd blanks between them as may be.
    private String join(String... tokens) {
        StringBuilder text = new StringBuilder();
        for (String token : tokens) {
            if (token.isEmpty()) {
                continue;
            }
            text.append(
                    text.isEmpty() ? "" : glue(text.charAt(text.length() - 1), token.charAt(0)));
            text.append(token);
        }
        return text.toString();
    }

    private String glue(char before, char behind) {
        boolean needed = isWordPart(before) && isWordPart(behind) || before == '-' && behind == '-';
        return switch (random.nextInt(needed ? 6 : 12)) {
            case 0 -> "\n";
            case 1 -> "/* - */";
            case 2, 3, 4, 5 -> " ";
            default -> "";
        };
    }

    private static boolean isWordPart(char c) {
        return Character.isLetterOrDigit(c)
                || c == '_'
                || c == '$'
                || c == '\''
                || c == '.'
                || c == '"';
    }

    private String maybeParenthesised(String text) {
        return random.nextInt(4) == 0 ? join("(", text, ")") : text;
    }

    private String column(String name) {
        return switch (random.nextInt(12)) {
            case 0 -> "oracle." + name;
            case 1 -> '"' + name + '"';
            case 2 -> name.toUpperCase(java.util.Locale.ROOT);
            default -> name;
        };
    }

    private String whole(int depth) {
        if (depth == 0) {
            return random.nextInt(3) == 0
                    ? pick(
                            "0",
                            "1",
                            "2",
                            "7",
                            "10",
                            "-1",
                            "100",
                            "32767",
                            "32768",
                            "2147483647",
                            "-2147483648",
                            "2147483648",
                            "9223372036854775807",
                            "-9223372036854775808",
                            "1_000",
                            "0x1F",
                            "0b101",
                            "NULL")
                    : column(pick("s", "i", "i", "l", "id", "id"));
        }
        int less = depth - 1;
        return maybeParenthesised(
                switch (random.nextInt(14)) {
                    case 0, 1, 2, 3, 4 ->
                            join(whole(less), pick("+", "-", "*", "/", "%"), whole(less));
                    case 5 -> join(pick("-", "+", "- -", "-+"), whole(less));
                    case 6 -> join("abs", "(", whole(less), ")");
                    case 7 ->
                            join(
                                    pick("length", "char_length", "character_length"),
                                    "(",
                                    text(less),
                                    ")");
                    case 8 -> conditional(this::whole, less);
                    case 9 -> join("CAST", "(", number(less), "AS", wholeType(), ")");
                    case 10 -> join(whole(less), "::", wholeType());
                    case 11 -> join(text(less), "::", wholeType());
                    case 12 -> join(truth(less), "::", "int");
                    default -> whole(0);
                });
    }

    private String wholeType() {
        return pick("smallint", "int", "integer", "int4", "bigint", "int8", "int2");
    }

    private String number(int depth) {
        if (depth == 0) {
            return random.nextInt(3) == 0
                    ? pick(
                            "1.5",
                            ".5",
                            "2.",
                            "1e3",
                            "1E-3",
                            "0.000",
                            "-0.05",
                            "100.00",
                            "3.14159",
                            "123456789012345678901234567890",
                            "99999.9995",
                            "1_0.2_5")
                    : column(pick("n", "n", "m"));
        }
        int less = depth - 1;
        return maybeParenthesised(
                switch (random.nextInt(13)) {
                    case 0, 1, 2, 3 ->
                            join(number(less), pick("+", "-", "*", "/", "%"), number(less));
                    case 4 -> join(number(less), pick("+", "-", "*", "/", "%"), whole(less));
                    case 5 -> join(whole(less), pick("+", "-", "*", "/", "%"), number(less));
                    case 6 -> join(pick("-", "+"), number(less));
                    case 7 -> join(pick("abs", "round"), "(", number(less), ")");
                    case 8 ->
                            join(
                                    "round",
                                    "(",
                                    random.nextBoolean() ? number(less) : whole(less),
                                    ",",
                                    pick("0", "1", "2", "-1", "-2", "5", "s % 4"),
                                    ")");
                    case 9 -> conditional(this::number, less);
                    case 10 -> join("CAST", "(", any(less), "AS", numericType(), ")");
                    case 11 -> join(any(less), "::", numericType());
                    default -> number(0);
                });
    }

    private String numericType() {
        return pick(
                "numeric",
                "decimal",
                "numeric(10,2)",
                "numeric(5)",
                "numeric(3,-1)",
                "numeric(20,6)",
                "dec(2,4)");
    }

    private String text(int depth) {
        if (depth == 0) {
            return random.nextInt(3) == 0 ? literal() : column(pick("t", "t", "v", "c", "x"));
        }
        int less = depth - 1;
        return maybeParenthesised(
                switch (random.nextInt(15)) {
                    case 0, 1 -> join(text(less), "||", text(less));
                    case 2 -> join(text(less), "||", any(less));
                    case 3 -> join(any(less), "||", text(less));
                    case 4 -> join(pick("lower", "upper"), "(", text(less), ")");
                    case 5 -> trim(less);
                    case 6 -> substring(less);
                    case 7 -> join("replace", "(", text(less), ",", text(0), ",", text(less), ")");
                    case 8 -> join("concat", "(", any(less), ",", any(less), ",", any(0), ")");
                    case 9 -> join("concat_ws", "(", text(0), ",", any(less), ",", any(less), ")");
                    case 10 -> conditional(this::text, less);
                    case 11 -> join("CAST", "(", any(less), "AS", textType(), ")");
                    case 12 -> join(any(less), "::", textType());
                    default -> text(0);
                });
    }

    private String textType() {
        return pick(
                "text",
                "varchar",
                "varchar(3)",
                "character varying(5)",
                "char(4)",
                "char",
                "character(8)",
                "bpchar");
    }

    private String literal() {
        return pick(
                "'a'",
                "''",
                "' a b '",
                "'Äpfel ẞ'",
                "'it''s'",
                "E'a\\tb\\u00e9'",
                "U&'\\0041\\00df'",
                "$$q'q$$",
                "$x$1$x$",
                "'12'",
                "'%a_'",
                "'a'\n'b'",
                "'\\'",
                "NULL");
    }

    private String trim(int less) {
        return switch (random.nextInt(5)) {
            case 0 -> join("trim", "(", text(less), ")");
            case 1 ->
                    join(
                            "trim",
                            "(",
                            pick("both", "leading", "trailing"),
                            text(0),
                            "from",
                            text(less),
                            ")");
            case 2 -> join("TRIM", "(", text(0), "FROM", text(less), ")");
            case 3 -> join(pick("btrim", "ltrim", "rtrim"), "(", text(less), ",", text(0), ")");
            default -> join(pick("btrim", "ltrim", "rtrim"), "(", text(less), ")");
        };
    }

    private String substring(int less) {
        String from = pick("1", "0", "-1", "2", "3", "s", "i", "2147483647");
        String length = pick("0", "1", "2", "5", "s", "2147483647", "-1");
        return switch (random.nextInt(5)) {
            case 0 -> join("substring", "(", text(less), "from", from, "for", length, ")");
            case 1 -> join("substring", "(", text(less), "from", from, ")");
            case 2 -> join("substring", "(", text(less), "for", length, ")");
            case 3 -> join("substring", "(", text(less), ",", from, ",", length, ")");
            default -> join("substr", "(", text(less), ",", from, ")");
        };
    }

    private String truth(int depth) {
        if (depth == 0) {
            return random.nextInt(3) == 0 ? pick("TRUE", "FALSE", "NULL") : column("b");
        }
        int less = depth - 1;
        return maybeParenthesised(
                switch (random.nextInt(20)) {
                    case 0, 1, 2, 3 -> comparison(less);
                    case 4, 5 -> join(truth(less), pick("AND", "OR", "and", "or"), truth(less));
                    case 6 -> join("NOT", truth(less));
                    case 7 -> join(any(less), pick("IS NULL", "IS NOT NULL", "isnull", "NOTNULL"));
                    case 8 ->
                            join(
                                    truth(less),
                                    pick(
                                            "IS TRUE",
                                            "IS NOT TRUE",
                                            "IS FALSE",
                                            "IS NOT FALSE",
                                            "IS UNKNOWN",
                                            "is not unknown"));
                    case 9, 10 -> in(less);
                    case 11, 12 -> between(less);
                    case 13, 14 -> like(less);
                    case 15 -> conditional(this::truth, less);
                    case 16 -> join(text(less), "::", "bool");
                    case 17 -> join(pick("i", "i % 2"), "::boolean");
                    default -> truth(0);
                });
    }

    private String comparisonOperator() {
        return pick(
                "=", "<>", "!=", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM");
    }

    private String comparison(int less) {
        String operator = comparisonOperator();
        return switch (random.nextInt(8)) {
            case 0 -> join(whole(less), operator, whole(less));
            case 1 -> join(number(less), operator, number(less));
            case 2 -> join(whole(less), operator, number(less));
            case 3 -> join(text(less), operator, text(less));
            case 4 -> join(truth(less), operator, truth(less));
            case 5 -> join(temporal(), operator, temporal());
            case 6 -> join(column("c"), operator, pick("'ab'", "'ab   '", "c", "t", "v"));
            default -> join(any(less), operator, any(less));
        };
    }

    private String temporal() {
        return pick(
                "d",
                "d",
                "ts",
                "ts",
                "tz",
                "tz",
                "u",
                "u",
                "'2020-01-31'",
                "'2020-01-31 12:30:00.500'",
                "'2020-01-31 12:30:00+00'",
                "date '2020-02-29'",
                "'00000000-0000-0000-0000-00000000000A'");
    }

    private String in(int less) {
        String not = pick("", "NOT");
        return switch (random.nextInt(4)) {
            case 0 ->
                    join(
                            whole(less),
                            not,
                            "IN",
                            "(",
                            whole(0),
                            ",",
                            whole(less),
                            ",",
                            number(0),
                            ")");
            case 1 ->
                    join(text(less), not, "IN", "(", text(0), ",", literal(), ",", literal(), ")");
            case 2 -> join(number(less), not, "in", "(", number(less), ",", "'1.50'", ")");
            default -> join(any(less), not, "IN", "(", any(0), ")");
        };
    }

    private String between(int less) {
        String not = pick("", "", "NOT");
        return switch (random.nextInt(3)) {
            case 0 -> join(whole(less), not, "BETWEEN", whole(less), "AND", whole(less));
            case 1 -> join(number(less), not, "BETWEEN", whole(0), "AND", number(less));
            default -> join(text(0), not, "BETWEEN", text(0), "AND", text(0));
        };
    }

    private String like(int less) {
        String pattern =
                random.nextInt(3) == 0
                        ? text(less)
                        : pick(
                                "'%a%'",
                                "'a_'", "'_%b'", "'%'", "''", "'a\\%'", "'\\'", "'%\\_%'", "'%  '",
                                "'__'");
        String escape = random.nextInt(4) == 0 ? pick("'!'", "''", "'a'", "'\\'", "'ab'", "v") : "";
        return join(
                text(less),
                pick("", "NOT"),
                "LIKE",
                pattern,
                escape.isEmpty() ? "" : "ESCAPE",
                escape);
    }

    private String any(int depth) {
        return switch (random.nextInt(6)) {
            case 0 -> whole(depth);
            case 1 -> number(depth);
            case 2 -> truth(depth);
            case 3 -> pick("d", "ts", "tz", "u", "j", "f", "NULL");
            default -> text(depth);
        };
    }

    private interface Source {
        String make(int depth);
    }

    private String conditional(Source source, int less) {
        return switch (random.nextInt(4)) {
            case 0 ->
                    join(
                            "CASE",
                            "WHEN",
                            truth(less),
                            "THEN",
                            source.make(less),
                            random.nextBoolean() ? join("ELSE", source.make(less)) : "",
                            "END");
            case 1 ->
                    join(
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
            case 2 -> join("COALESCE", "(", source.make(less), ",", source.make(less), ")");
            default -> join("NULLIF", "(", source.make(less), ",", source.make(less), ")");
        };
    }

    /// The rows of the table, as text; the first are plain, the later ones lie on the edges.
    static List<String> rows() {
        return List.of(
                "1, 1, 1, 1, 1.50, 1.500, 'abc', 'abc', 'abc', '12', true, '2020-01-31', '2020-01-31 12:30:00.5', '2020-01-31 12:30:00+00', '00000000-0000-0000-0000-00000000000a', '{\"a\": 1}', 1.5",
                "2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
                "3, 0, 0, 0, 0, 0, '', '', '', '', false, '0001-01-01', '0001-01-01', '0001-01-01 00:00:00+00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '[]', 0",
                "4, -7, -7, -7, -7.25, -0.005, ' a b ', 'aB%_c', 'ab', ' -7 ', true, '2020-02-29', '2020-02-29 00:00:00.000001', '1999-12-31 23:59:59.999+00', '00000000-0000-0000-0000-00000000000b', 'null', -0.1",
                "5, 2, 3, 10, 100, 33.333, 'Äpfel ẞ straße', 'ÄÖÜäöüß', 'Ä b', '1.5', false, '12345-06-07', '12345-06-07 01:02:03', '12345-06-07 01:02:03+00', '10000000-0000-0000-0000-000000000000', '\"x\"', 1e300",
                "6, 32767, 2147483647, 9223372036854775807, 99999999999999999999.123456789, 999999999.999, 'ab  ', 'ab  ', 'ab  ', 'yes', true, 'infinity', 'infinity', 'infinity', NULL, '1', 'NaN'",
                "7, -32768, -2147483648, -9223372036854775808, 'NaN', -999999999.999, 'a\\%b_', '\\', '%', 'NaN', NULL, '-infinity', '-infinity', '-infinity', NULL, NULL, '-Infinity'",
                "8, 3, 100, 1000, 0.0000000000000000001, 0.001, '😀\uFFFDé\u0301ıİ', '日本語', '日本', '1e3', false, '0044-03-15 BC', '0044-03-15 12:00:00 BC', '0044-03-15 12:00:00+00 BC', '00000000-0000-0000-0000-00000000000a', '{}', 2",
                "9, 5, -1, 4294967296, 'Infinity', 12.345, 'ABC', 'a', 'abcdef', 'TRUE', true, '2020-01-31', '2020-01-31 12:30:00', '2020-01-31 12:30:00.5+00', '00000000-0000-0000-0000-00000000000a', '{\"b\": null}', 0.1",
                "10, 100, 255, 65536, 12345.6789, 500.500, 'a\tb', '  x', ' x', 'off', true, '1970-01-01', '1970-01-01 00:00:00', '1970-01-01 00:00:00+00', '0a000000-0000-0000-0000-000000000000', '2', 3.25",
                "11, 4, 8, 16, -0.5, 2.5, 'aabbaa', 'b', 'b', '99999999999', false, NULL, NULL, NULL, NULL, NULL, NULL");
    }
}
