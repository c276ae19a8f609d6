package dev.millrace.mapping;

import java.util.random.RandomGenerator;

/// What an expression ends in: columns and constants of each kind; and the names of types and
/// operators.
final class SqlLeaves {

    private final RandomGenerator random;
    private final SqlTokens sql;

    SqlLeaves(RandomGenerator random, SqlTokens sql) {
        this.random = random;
        this.sql = sql;
    }

    String whole() {
        return random.nextInt(3) == 0
                ? sql.pick(
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
                : sql.column(sql.pick("s", "i", "i", "l", "id", "id"));
    }

    String number() {
        return random.nextInt(3) == 0
                ? sql.pick(
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
                : sql.column(sql.pick("n", "n", "m"));
    }

    String text() {
        return random.nextInt(3) == 0 ? literal() : sql.column(sql.pick("t", "t", "v", "c", "x"));
    }

    String literal() {
        return sql.pick(
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

    String truth() {
        return random.nextInt(3) == 0 ? sql.pick("TRUE", "FALSE", "NULL") : sql.column("b");
    }

    String temporal() {
        return sql.pick(
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

    String wholeType() {
        return sql.pick("smallint", "int", "integer", "int4", "bigint", "int8", "int2");
    }

    String numericType() {
        return sql.pick(
                "numeric",
                "decimal",
                "numeric(10,2)",
                "numeric(5)",
                "numeric(3,-1)",
                "numeric(20,6)",
                "dec(2,4)");
    }

    String textType() {
        return sql.pick(
                "text",
                "varchar",
                "varchar(3)",
                "character varying(5)",
                "char(4)",
                "char",
                "character(8)",
                "bpchar");
    }

    String comparisonOperator() {
        return sql.pick(
                "=", "<>", "!=", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM");
    }
}
