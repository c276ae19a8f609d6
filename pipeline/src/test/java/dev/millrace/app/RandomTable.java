package dev.millrace.app;

import dev.millrace.postgres.Identifier;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/// A table with random names, types, defaults, nullability, key, generated and dropped columns, and
/// random statements over it. The same seed gives the same table.
final class RandomTable {

    /// Types that both databases need.
    static final String[] TYPES = {
        "CREATE TYPE mood AS ENUM ('sad', 'so, so', 'it''s')",
        "CREATE TYPE pair AS (a int, b text)",
        "CREATE DOMAIN positive AS numeric(9,2) CHECK (VALUE > 0)",
        "CREATE TYPE spans AS RANGE (subtype = interval)",
    };

    private static final List<String> ODD_NAMES =
            List.of(
                    "select",
                    "Mixed Case",
                    "quo\"ted",
                    "ünï",
                    "dot.ted",
                    "a,b",
                    "tab\\le",
                    "o'clock");

    /// @param literals literals of the type; all distinct if the type can be in a key
    private record Type(String sql, boolean inKey, String... literals) {}

    private static final List<Type> POOL =
            List.of(
                    new Type("int", true, "1", "2", "-2147483648", "2147483647", "0"),
                    new Type("bigint", true, "9223372036854775807", "-1", "7"),
                    new Type("smallint", true, "-32768", "5"),
                    new Type("uuid", true, "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
                    new Type("text", true, "''", "'NULL'", "E'tab\\t\\\\ new\\n'", "'é𝄞'", "'x '"),
                    new Type("varchar(8)", true, "'ab '", "''", "'\\N'"),
                    new Type("char(4)", true, "'ab'", "''", "'abcd'"),
                    new Type("bool", true, "true", "false"),
                    new Type("date", true, "'2024-02-29'", "'infinity'", "'0044-03-15 BC'"),
                    new Type("timestamptz", true, "'2024-07-01 00:00+02'", "'-infinity'"),
                    new Type("numeric(12,2)", true, "1.1", "-1234567890.12", "0"),
                    new Type("bytea", true, "'\\x00ff'", "''"),
                    new Type("mood", true, "'sad'", "'so, so'", "'it''s'"),
                    new Type("numeric", false, "1.10", "'NaN'", "1e30", "'-Infinity'"),
                    new Type("real", false, "1e-5", "123456.7", "'-0'", "'NaN'"),
                    new Type("float8", false, "0.1", "1e15", "1.7976931348623157e308"),
                    new Type("money", false, "1234567.5", "-0.01"),
                    new Type("time", false, "'24:00'", "'12:34:56.7'"),
                    new Type("timestamp(3)", false, "'294276-12-31 23:59:59.999'", "'infinity'"),
                    new Type(
                            "interval", false, "'infinity'", "'2147483648:00'", "'-1 mons +1 day'"),
                    new Type("json", false, "'{\"b\": 1,  \"a\": null}'", "'1.0'"),
                    new Type("jsonb", false, "'{\"b\": [1.0, \"\\\\\"]}'", "'null'"),
                    new Type("xml", false, "'<?xml version=\"1.0\"?><a>1</a>'", "'text'"),
                    new Type("inet", false, "'10.0.0.1'", "'10.0.0.1/8'", "'::1'"),
                    new Type("bit(3)", false, "B'101'", "B'000'"),
                    new Type("point", false, "'(1e20,-0.1)'", "'(0,0)'"),
                    new Type("tsvector", false, "'a:1 b:2'"),
                    new Type("int4range", false, "'[1,5)'", "'empty'"),
                    new Type("spans", false, "'[1 day,infinity)'"),
                    new Type("int[]", false, "'{}'", "'{1,NULL}'", "'[0:1]={1,2}'"),
                    new Type("text[]", false, "'{\"a,b\",\"\",NULL,\"NULL\"}'"),
                    new Type("bool[]", false, "'{t,NULL}'"),
                    new Type("pair", false, "ROW(1, 'a \"b\"')", "ROW(NULL, NULL)"),
                    new Type("pair[]", false, "ARRAY[ROW(1, NULL)::pair]"),
                    new Type("mood[]", false, "'{\"so, so\",sad}'"),
                    new Type("positive", false, "7.5", "0.01"));

    /// @param generated expression of a generated column, or empty
    private record Column(
            String name,
            Type type,
            boolean key,
            boolean nullable,
            Optional<String> defaulted,
            Optional<String> generated) {

        String quoted() {
            return Identifier.quote(name);
        }

        String ddl(boolean virtual) {
            String constraint = nullable || key ? "" : " NOT NULL";
            return quoted()
                    + " "
                    + type.sql()
                    + generated
                            .map(
                                    expression ->
                                            " GENERATED ALWAYS AS ("
                                                    + expression
                                                    + (virtual ? ") VIRTUAL" : ") STORED"))
                            .orElse(
                                    defaulted.map(each -> " DEFAULT " + each).orElse("")
                                            + constraint);
        }
    }

    private final Random random;
    private final String name;
    private final List<Column> columns = new ArrayList<>();
    private final boolean full;
    private int rows;

    RandomTable(Random random, int number) {
        this.random = random;
        name = oddName("t", number);
        full = random.nextInt(3) == 0;
        columns.add(
                new Column("id", POOL.getFirst(), true, false, Optional.empty(), Optional.empty()));
        if (random.nextBoolean()) {
            columns.add(column(0, true));
        }
        int more = 2 + random.nextInt(8);
        for (int i = 1; i <= more; i++) {
            columns.add(column(i, false));
        }
        Collections.shuffle(columns, random);
        for (int i = random.nextInt(4); i > 0; i--) {
            Column generated =
                    new Column(
                            "g" + i,
                            POOL.getFirst(),
                            false,
                            true,
                            Optional.empty(),
                            Optional.of("id / 2 + " + i));
            columns.add(random.nextInt(columns.size() + 1), generated);
        }
        if (random.nextInt(3) == 0) {
            columns.addLast(
                    new Column(
                            "last",
                            POOL.getFirst(),
                            false,
                            true,
                            Optional.empty(),
                            Optional.of("-(id / 2)")));
        }
    }

    private Column column(int number, boolean key) {
        List<Type> types = POOL.stream().filter(each -> !key || each.inKey()).toList();
        Type type = types.get(random.nextInt(types.size()));
        boolean defaulted = random.nextBoolean();
        return new Column(
                oddName("c", number),
                type,
                key,
                !key && random.nextInt(4) > 0,
                defaulted ? Optional.of(literal(type)) : Optional.empty(),
                Optional.empty());
    }

    private String oddName(String prefix, int number) {
        return random.nextInt(3) == 0
                ? ODD_NAMES.get(random.nextInt(ODD_NAMES.size())) + number
                : prefix + number;
    }

    private String literal(Type type) {
        return "(" + type.literals()[random.nextInt(type.literals().length)] + ")::" + type.sql();
    }

    String quoted() {
        return Identifier.quote(name);
    }

    /// Column order and dropped columns differ between the sides.
    List<String> create() {
        List<String> parts = new ArrayList<>();
        List<String> dropped = new ArrayList<>();
        List<Column> order = new ArrayList<>(columns);
        if (random.nextBoolean()) {
            Collections.shuffle(order, random);
        }
        for (Column column : order) {
            if (random.nextInt(5) == 0) {
                dropped.add("gone" + dropped.size());
                parts.add(dropped.getLast() + " int GENERATED ALWAYS AS (1) STORED");
            }
            parts.add(column.ddl(!full && random.nextBoolean()));
        }
        if (random.nextInt(4) == 0) {
            dropped.add("gone" + dropped.size());
            parts.add(dropped.getLast() + " text DEFAULT 'x'");
        }
        parts.add("PRIMARY KEY (" + names(Column::key) + ")");
        List<String> statements = new ArrayList<>();
        statements.add("CREATE TABLE " + quoted() + " (" + String.join(", ", parts) + ")");
        dropped.forEach(each -> statements.add("ALTER TABLE " + quoted() + " DROP COLUMN " + each));
        return statements;
    }

    /// Replica identity: how much of the old row an update contains.
    String identity() {
        return "ALTER TABLE " + quoted() + " REPLICA IDENTITY " + (full ? "FULL" : "DEFAULT");
    }

    List<String> insert(int count) {
        List<String> statements = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            rows++;
            List<Column> given =
                    columns.stream()
                            .filter(column -> column.generated().isEmpty())
                            .filter(column -> column.key() || !isLeftOut(column))
                            .toList();
            statements.add(
                    "INSERT INTO "
                            + quoted()
                            + " ("
                            + given.stream().map(Column::quoted).collect(Collectors.joining(", "))
                            + ") VALUES ("
                            + given.stream().map(this::value).collect(Collectors.joining(", "))
                            + ")");
        }
        return statements;
    }

    private boolean isLeftOut(Column column) {
        return (column.nullable() || column.defaulted().isPresent()) && random.nextInt(6) == 0;
    }

    /// NULL in a quarter of the nullable cells.
    private String value(Column column) {
        if (column.name().equals("id")) {
            return Integer.toString(rows);
        }
        return column.nullable() && random.nextInt(4) == 0 ? "NULL" : literal(column.type());
    }

    /// Updates, deletes, key changes and changes of defaults.
    List<String> change(int count) {
        List<String> statements = new ArrayList<>();
        List<Column> plain =
                columns.stream().filter(c -> !c.key() && c.generated().isEmpty()).toList();
        for (int i = 0; i < count; i++) {
            String where = " WHERE id = " + (1 + random.nextInt(rows));
            Column column = plain.get(random.nextInt(plain.size()));
            statements.add(
                    switch (random.nextInt(10)) {
                        case 0 -> "DELETE FROM " + quoted() + where;
                        case 1 -> "UPDATE " + quoted() + " SET id = " + ++rows + where;
                        case 2 ->
                                "ALTER TABLE "
                                        + quoted()
                                        + " ALTER "
                                        + column.quoted()
                                        + " SET DEFAULT "
                                        + literal(column.type());
                        default ->
                                "UPDATE "
                                        + quoted()
                                        + " SET "
                                        + column.quoted()
                                        + " = "
                                        + value(column)
                                        + where;
                    });
        }
        statements.addAll(insert(count / 4));
        return statements;
    }

    /// Selects every column as text, in the same order on both sides.
    String select() {
        return "SELECT " + names(_ -> true) + " FROM " + quoted() + " ORDER BY id";
    }

    private String names(Predicate<Column> wanted) {
        return columns.stream()
                .filter(wanted)
                .map(Column::quoted)
                .collect(Collectors.joining(", "));
    }
}
