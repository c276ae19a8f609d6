package dev.millrace.mapping;

import java.util.random.RandomGenerator;

/// Comparisons, sets, ranges and patterns over the generator's expressions.
final class SqlPredicates {

    private final RandomGenerator random;
    private final SqlTokens sql;
    private final SqlLeaves leaf;
    private final SqlTextGenerator of;

    SqlPredicates(RandomGenerator random, SqlTokens sql, SqlLeaves leaf, SqlTextGenerator of) {
        this.random = random;
        this.sql = sql;
        this.leaf = leaf;
        this.of = of;
    }

    String comparison(int less) {
        String operator = leaf.comparisonOperator();
        return switch (random.nextInt(8)) {
            case 0 -> sql.join(of.whole(less), operator, of.whole(less));
            case 1 -> sql.join(of.number(less), operator, of.number(less));
            case 2 -> sql.join(of.whole(less), operator, of.number(less));
            case 3 -> sql.join(of.text(less), operator, of.text(less));
            case 4 -> sql.join(of.truth(less), operator, of.truth(less));
            case 5 -> sql.join(leaf.temporal(), operator, leaf.temporal());
            case 6 ->
                    sql.join(sql.column("c"), operator, sql.pick("'ab'", "'ab   '", "c", "t", "v"));
            default -> sql.join(of.any(less), operator, of.any(less));
        };
    }

    String in(int less) {
        String not = sql.pick("", "NOT");
        return switch (random.nextInt(4)) {
            case 0 ->
                    sql.join(
                            of.whole(less),
                            not,
                            "IN",
                            "(",
                            of.whole(0),
                            ",",
                            of.whole(less),
                            ",",
                            of.number(0),
                            ")");
            case 1 ->
                    sql.join(
                            of.text(less),
                            not,
                            "IN",
                            "(",
                            of.text(0),
                            ",",
                            leaf.literal(),
                            ",",
                            leaf.literal(),
                            ")");
            case 2 ->
                    sql.join(of.number(less), not, "in", "(", of.number(less), ",", "'1.50'", ")");
            default -> sql.join(of.any(less), not, "IN", "(", of.any(0), ")");
        };
    }

    String between(int less) {
        String not = sql.pick("", "", "NOT");
        return switch (random.nextInt(3)) {
            case 0 ->
                    sql.join(of.whole(less), not, "BETWEEN", of.whole(less), "AND", of.whole(less));
            case 1 ->
                    sql.join(of.number(less), not, "BETWEEN", of.whole(0), "AND", of.number(less));
            default -> sql.join(of.text(0), not, "BETWEEN", of.text(0), "AND", of.text(0));
        };
    }

    String like(int less) {
        String pattern =
                random.nextInt(3) == 0
                        ? of.text(less)
                        : sql.pick(
                                "'%a%'",
                                "'a_'", "'_%b'", "'%'", "''", "'a\\%'", "'\\'", "'%\\_%'", "'%  '",
                                "'__'");
        String escape =
                random.nextInt(4) == 0 ? sql.pick("'!'", "''", "'a'", "'\\'", "'ab'", "v") : "";
        return sql.join(
                of.text(less),
                sql.pick("", "NOT"),
                "LIKE",
                pattern,
                escape.isEmpty() ? "" : "ESCAPE",
                escape);
    }
}
