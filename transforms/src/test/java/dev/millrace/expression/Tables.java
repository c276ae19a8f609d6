package dev.millrace.expression;

import dev.millrace.change.TableId;
import dev.millrace.sql.Relation;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Builds tables for tests from short descriptions, `id int4! , name varchar(10)`; the exclamation
/// mark means NOT NULL.
public final class Tables {

    static final Relation.Collation C =
            new Relation.Collation("default", Relation.Collation.Provider.C, true);

    private Tables() {}

    public static Relation table(String name, String columns, String... key) {
        return table(name, C, columns, key);
    }

    public static Relation table(
            String name, Relation.Collation collation, String columns, String... key) {
        List<Relation.Column> list = new ArrayList<>();
        for (String description : columns.split(";")) {
            String[] parts = description.strip().split(" ", 2);
            boolean notNull = parts[1].endsWith("!");
            String type = notNull ? parts[1].substring(0, parts[1].length() - 1) : parts[1];
            boolean text = List.of("text", "varchar", "bpchar").contains(type.split("\\(")[0]);
            list.add(
                    new Relation.Column(
                            parts[0],
                            type(type),
                            notNull,
                            false,
                            text ? collation : Relation.Collation.NONE,
                            !notNull));
        }
        return new Relation(new TableId("public", name), list, List.of(key));
    }

    /// `numeric(10,2)`, `varchar(5)`, `int4`.
    static Relation.SqlType type(String text) {
        String name = text.split("\\(")[0];
        int modifier = -1;
        if (text.contains("(")) {
            String[] numbers = text.substring(text.indexOf('(') + 1, text.length() - 1).split(",");
            int first = Integer.parseInt(numbers[0]);
            modifier =
                    numbers.length == 2
                            ? (first << 16 | Integer.parseInt(numbers[1])) + 4
                            : first + 4;
        }
        return new Relation.SqlType("pg_catalog", name, text, modifier, Optional.empty());
    }
}
