package dev.millrace.apply.sql;

import dev.millrace.apply.sql.TableRule.PartOfRow;
import dev.millrace.apply.sql.TableSql.TextInput;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.mapping.WayBack;
import dev.millrace.postgres.Identifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Builds the statements that write one part of the rows of a table. Their parameters are one
/// `text[]` per column. Pure.
///
/// A key has a row `t` in the table, a row `w` among the incomplete ones, or both: then the row
/// exists, and a part of it that is not the driving one was deleted. The bits of `w` say which
/// parts have come. A row that was complete before keeps all its columns in `w`, also those that no
/// part supplies. After all deletes of a batch, its parts can be written in any order.
public final class PartSql {

    private static final String BITS = Identifier.quote("millrace parts");
    private static final String IMAGE = Identifier.quote("millrace image");
    private static final Pattern NAME = Pattern.compile("\\{(\\w+)}");

    /// The rows or keys of a statement as relation `r`.
    private record Arriving(String relation, IntFunction<String> value) {}

    private final RowSchema schema;
    private final List<TextInput> inputs;
    private final Map<String, WayBack.Kept> kept;
    private final PartOfRow part;
    private final Arriving keys;
    private final Map<String, String> names = new HashMap<>();

    /// @param schema of the part
    /// @param inputs one per column of it
    /// @param kept from [TableRule]
    public PartSql(
            RowSchema schema,
            List<TextInput> inputs,
            Map<String, WayBack.Kept> kept,
            PartOfRow part) {
        this.schema = schema;
        this.inputs = List.copyOf(inputs);
        this.kept = Map.copyOf(kept);
        this.part = part;
        this.keys = arrays(schema.key());
        names.put("table", Identifier.quote(schema.table()));
        names.put("incomplete", Identifier.quote(part.incomplete()));
        names.put("bits", BITS);
        names.put("image", IMAGE);
        names.put("bit", Integer.toString(1 << part.columns().number()));
        names.put("all", Integer.toString((1 << part.columns().count()) - 1));
        names.put("key", columns(schema.keyColumns(), Identifier::quote));
    }

    /// Creates the table of incomplete rows of a table, empty.
    ///
    /// @param stored the columns that can be written, without any with the names of the two that
    ///   are added
    /// @param key the columns of the table's key
    public static List<String> create(
            TableId table, TableId incomplete, List<String> stored, List<String> key) {
        Map<String, String> names =
                Map.of(
                        "table", Identifier.quote(table),
                        "incomplete", Identifier.quote(incomplete),
                        "bits", BITS,
                        "image", IMAGE,
                        "key", columns(key, Identifier::quote),
                        "stored", columns(stored, Identifier::quote));
        return List.of(
                drop(incomplete),
                fill(
                        """
                        CREATE TABLE {incomplete} AS
                        SELECT {stored}, 0 AS {bits}, false AS {image} FROM {table} WITH NO DATA
                        """,
                        names),
                fill("ALTER TABLE {incomplete} ADD PRIMARY KEY ({key})", names));
    }

    /// Drops the table of incomplete rows, if it exists.
    public static String drop(TableId incomplete) {
        return "DROP TABLE IF EXISTS " + Identifier.quote(incomplete);
    }

    /// Removes this part of rows. The parameters of each statement are the key's columns.
    public List<String> delete() {
        return delete(keys);
    }

    /// Removes this part of all rows. Without parameters.
    public List<String> deleteAll() {
        return delete(
                new Arriving(
                        filled(
                                "(SELECT {key} FROM {table} UNION SELECT {key} FROM {incomplete}) AS r ({r})",
                                Map.of("r", positions(schema.key()))),
                        i -> "r.c" + i));
    }

    private List<String> delete(Arriving rows) {
        List<String> statements = new ArrayList<>();
        if (part.isDriving()) {
            List<String> others = new ArrayList<>(part.columns().stored());
            others.removeAll(schema.keyColumns());
            statements.add(
                    sql(
                            """
                            INSERT INTO {incomplete} ({stored}, {bits}, {image})
                            SELECT {t_stored}, {all}, true FROM {table} AS t JOIN {r} ON {t_is_r}
                            ON CONFLICT ({key}) DO UPDATE SET {image} = true{set}
                            """,
                            rows,
                            Map.of(
                                    "stored", columns(part.columns().stored(), Identifier::quote),
                                    "t_stored", columns(part.columns().stored(), of("t")),
                                    "set",
                                            others.stream()
                                                    .map(Identifier::quote)
                                                    .map(
                                                            name ->
                                                                    ", "
                                                                            + name
                                                                            + " = EXCLUDED."
                                                                            + name)
                                                    .collect(Collectors.joining()))));
            statements.add(sql("DELETE FROM {table} AS t USING {r} WHERE {t_is_r}", rows));
        } else {
            statements.add(
                    sql(
                            """
                            INSERT INTO {incomplete} ({key}, {bits}, {image})
                            SELECT {t_key}, {all}, false FROM {table} AS t JOIN {r} ON {t_is_r}
                            ON CONFLICT ({key}) DO NOTHING
                            """,
                            rows,
                            Map.of("t_key", columns(schema.keyColumns(), of("t")))));
        }
        statements.add(
                sql(
                        "UPDATE {incomplete} AS w SET {bits} = w.{bits} & ~{bit} FROM {r} WHERE {w_is_r}",
                        rows));
        statements.add(
                sql(
                        "DELETE FROM {incomplete} AS w USING {r} WHERE {w_is_r} AND w.{bits} = 0",
                        rows));
        return statements;
    }

    /// Writes this part of rows; [#complete] follows. The parameters of each statement are all
    /// columns of the part.
    public List<String> upsert() {
        List<Integer> all = IntStream.range(0, schema.size()).boxed().toList();
        List<Integer> own = all.stream().filter(i -> !schema.key().contains(i)).toList();
        Arriving rows = arrays(all);
        List<String> statements = new ArrayList<>();
        if (!own.isEmpty()) {
            statements.add(set("{table}", "t", own, rows));
        }
        statements.add(
                sql(
                        "UPDATE {incomplete} AS w SET {bits} = w.{bits} | {bit}{set} FROM {r} WHERE {w_is_r}",
                        rows,
                        Map.of(
                                "set",
                                own.stream()
                                        .map(i -> ", " + assignment("w", i))
                                        .collect(Collectors.joining()))));
        statements.add(
                sql(
                        """
                        INSERT INTO {incomplete} ({columns}, {bits}, {image})
                        SELECT {values}, {bit}, false FROM {r} WHERE {no_t} AND {no_w}
                        """,
                        rows,
                        Map.of(
                                "columns", columns(schema.columns(), Identifier::quote),
                                "values", list(all, this::value))));
        return statements;
    }

    /// Updates some columns of parts that exist. The parameters of each statement are the key's
    /// columns, then the carried ones.
    public List<String> update(List<Integer> carried) {
        Arriving rows = arrays(with(carried));
        return List.of(set("{table}", "t", carried, rows), set("{incomplete}", "w", carried, rows));
    }

    /// The columns of [#update] in the order of its parameters.
    public List<Integer> with(List<Integer> carried) {
        List<Integer> columns = new ArrayList<>(schema.key());
        columns.addAll(carried);
        return columns;
    }

    private String set(String relation, String alias, List<Integer> columns, Arriving rows) {
        return sql(
                "UPDATE "
                        + relation
                        + " AS "
                        + alias
                        + " SET {set} FROM {r} WHERE {"
                        + alias
                        + "_is_r}",
                rows,
                Map.of("set", list(columns, i -> assignment(alias, i))));
    }

    /// Writes the rows of which all parts have come. The parameters of each statement are the key's
    /// columns.
    public List<String> complete() {
        return List.of(
                insert(part.columns().supplied(), "NOT w.{image}"),
                insert(part.columns().stored(), "w.{image}"),
                sql(
                        "DELETE FROM {incomplete} AS w USING {r} WHERE {w_is_r} AND w.{bits} = {all}",
                        keys));
    }

    private String insert(List<String> columns, String which) {
        return sql(
                """
                INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
                SELECT {w_columns} FROM {incomplete} AS w JOIN {r} ON {w_is_r}
                WHERE w.{bits} = {all} AND {no_t} AND\s"""
                        + which,
                keys,
                Map.of(
                        "columns", columns(columns, Identifier::quote),
                        "w_columns", columns(columns, of("w"))));
    }

    /// Counts the keys that have a row, complete or not. The parameters are the key's columns.
    public String count() {
        return sql("SELECT count(*) FROM {r} WHERE NOT ({no_t} AND {no_w})", keys);
    }

    private Arriving arrays(List<Integer> columns) {
        return new Arriving(
                "unnest("
                        + list(columns, _ -> "?::pg_catalog.text[]")
                        + ") AS r ("
                        + positions(columns)
                        + ")",
                this::value);
    }

    private String value(int column) {
        return inputs.get(column).of("r.c" + column);
    }

    private String assignment(String alias, int column) {
        String name = schema.columns().get(column);
        return TableSql.assignment(
                name, alias + "." + Identifier.quote(name), value(column), kept.get(name));
    }

    private String sql(String template, Arriving rows) {
        return sql(template, rows, Map.of());
    }

    private String sql(String template, Arriving rows, Map<String, String> more) {
        Map<String, String> all = new HashMap<>(more);
        all.put("r", rows.relation());
        for (String alias : List.of("t", "w")) {
            String same =
                    schema.key().stream()
                            .map(
                                    i ->
                                            inputs.get(i)
                                                            .compared(
                                                                    of(alias)
                                                                            .apply(
                                                                                    schema.columns()
                                                                                            .get(
                                                                                                    i)))
                                                    + " = "
                                                    + rows.value().apply(i))
                            .collect(Collectors.joining(" AND "));
            String relation = alias.equals("t") ? "{table}" : "{incomplete}";
            all.put(alias + "_is_r", same);
            all.put(
                    "no_" + alias,
                    "NOT EXISTS (SELECT FROM "
                            + fill(relation, names)
                            + " AS "
                            + alias
                            + " WHERE "
                            + same
                            + ")");
        }
        return filled(template, all);
    }

    private String filled(String template, Map<String, String> more) {
        Map<String, String> all = new HashMap<>(names);
        all.putAll(more);
        return fill(template, all);
    }

    /// Replaces each name in braces in one pass: a replacement may contain braces.
    private static String fill(String template, Map<String, String> names) {
        return NAME.matcher(template)
                .replaceAll(found -> Matcher.quoteReplacement(named(found.group(1), names)));
    }

    private static String named(String name, Map<String, String> names) {
        String text = names.get(name);
        if (text == null) {
            throw new IllegalStateException("the statement has no " + name);
        }
        return text;
    }

    private static Function<String, String> of(String alias) {
        return name -> alias + "." + Identifier.quote(name);
    }

    private static String columns(Collection<String> columns, Function<String, String> text) {
        return columns.stream().map(text).collect(Collectors.joining(", "));
    }

    private static String positions(List<Integer> columns) {
        return list(columns, i -> "c" + i);
    }

    private static String list(List<Integer> columns, IntFunction<String> text) {
        return columns.stream().map(text::apply).collect(Collectors.joining(", "));
    }
}
