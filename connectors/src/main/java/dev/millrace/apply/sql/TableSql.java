package dev.millrace.apply.sql;

import dev.millrace.change.RowSchema;
import dev.millrace.mapping.WayBack;
import dev.millrace.postgres.Identifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Builds the statements that write rows of one schema. Their parameters are one `text[]` per
/// column, in column order. Pure.
public final class TableSql {

    private final RowSchema schema;
    private final List<TextInput> inputs;
    private final Map<String, WayBack.Kept> kept;
    private final String table;
    private final String staging;

    /// @param inputs one per column
    /// @param kept from [TableRule]
    /// @param staging the name of the temporary table
    public TableSql(
            RowSchema schema,
            List<TextInput> inputs,
            Map<String, WayBack.Kept> kept,
            String staging) {
        this.schema = schema;
        this.inputs = inputs;
        this.kept = kept;
        this.table = Identifier.quote(schema.table());
        this.staging = "pg_temp." + Identifier.quote(staging);
    }

    /// The temporary table has the types of the target's columns, including domains and lengths,
    /// and no constraints.
    public String createStaging() {
        return "CREATE TEMPORARY TABLE IF NOT EXISTS "
                + staging.substring("pg_temp.".length())
                + " ON COMMIT DELETE ROWS AS SELECT "
                + names(all())
                + " FROM "
                + table
                + " WITH NO DATA";
    }

    public String dropStaging() {
        return "DROP TABLE IF EXISTS " + staging;
    }

    public String emptyStaging() {
        return "DELETE FROM " + staging;
    }

    public String copyIntoStaging(List<Integer> columns) {
        return "COPY " + staging + " (" + names(columns) + ") FROM STDIN";
    }

    public String copyIntoTable(List<Integer> columns) {
        return "COPY " + table + " (" + names(columns) + ") FROM STDIN";
    }

    public String upsertFromStaging() {
        return insert() + " SELECT " + names(all()) + " FROM " + staging + onConflict();
    }

    public String upsertFromArrays() {
        return insert()
                + " SELECT "
                + list(all(), this::value)
                + " FROM "
                + arrays(all())
                + onConflict();
    }

    /// Updates the columns `carried`. The parameters are the key's columns, then the carried ones.
    public String updateFromArrays(List<Integer> carried) {
        return "UPDATE "
                + table
                + " AS t SET "
                + list(carried, i -> assignment(i, value(i)))
                + " FROM "
                + arrays(with(carried))
                + " WHERE "
                + keyMatches();
    }

    /// Counts the keys that have a row.
    public String countFromArrays() {
        return "SELECT count(*) FROM "
                + table
                + " AS t JOIN "
                + arrays(schema.key())
                + " ON "
                + keyMatches();
    }

    public String deleteFromArrays() {
        return "DELETE FROM "
                + table
                + " AS t USING "
                + arrays(schema.key())
                + " WHERE "
                + keyMatches();
    }

    /// The columns of [#updateFromArrays] in the order of its parameters.
    public List<Integer> with(List<Integer> carried) {
        List<Integer> columns = new ArrayList<>(schema.key());
        columns.addAll(carried);
        return columns;
    }

    /// Whether all columns belong to the key, so that an existing row is left unchanged.
    public boolean isKeyOnly() {
        return schema.key().size() == schema.size();
    }

    private String insert() {
        return "INSERT INTO " + table + " AS t (" + names(all()) + ") OVERRIDING SYSTEM VALUE";
    }

    private String onConflict() {
        List<Integer> others = all().stream().filter(i -> !schema.key().contains(i)).toList();
        String conflict = " ON CONFLICT (" + names(schema.key()) + ") DO ";
        return others.isEmpty()
                ? conflict + "NOTHING"
                : conflict
                        + "UPDATE SET "
                        + list(others, i -> assignment(i, "EXCLUDED." + name(i)));
    }

    private String assignment(int column, String value) {
        String name = schema.columns().get(column);
        return assignment(name, "t." + name(column), value, kept.get(name));
    }

    /// Where the expression gives the same for both values, the other side did not change its
    /// value: the stored one, which has more, stays.
    static String assignment(
            String column, String stored, String value, WayBack.@Nullable Kept lossy) {
        String name = Identifier.quote(column);
        if (lossy == null) {
            return name + " = " + value;
        }
        return name
                + " = CASE WHEN "
                + lossy.sql(stored)
                + " IS NOT DISTINCT FROM "
                + lossy.sql(value)
                + " THEN "
                + stored
                + " ELSE "
                + value
                + " END";
    }

    private String keyMatches() {
        return schema.key().stream()
                .map(i -> inputs.get(i).compared("t." + name(i)) + " = " + value(i))
                .collect(Collectors.joining(" AND "));
    }

    private String arrays(List<Integer> columns) {
        return "unnest("
                + list(columns, _ -> "?::pg_catalog.text[]")
                + ") AS r ("
                + list(columns, i -> "c" + i)
                + ")";
    }

    private String value(int column) {
        return inputs.get(column).of("r.c" + column);
    }

    private String names(List<Integer> columns) {
        return list(columns, this::name);
    }

    private String name(int column) {
        return Identifier.quote(schema.columns().get(column));
    }

    private List<Integer> all() {
        return IntStream.range(0, schema.size()).boxed().toList();
    }

    private static String list(List<Integer> columns, IntFunction<String> text) {
        return columns.stream().map(text::apply).collect(Collectors.joining(", "));
    }

    /// The SQL expression that converts a text to a value of one column. The text goes between two
    /// parts, not to a placeholder within one, because names of types may contain any character.
    ///
    /// @param relabelled what follows the column where it is compared with the value: a cast to the
    ///   base type, for a domain over an enum, which has no comparison of enums
    public record TextInput(String before, String after, String relabelled) {

        String of(String text) {
            return before + text + after;
        }

        /// The column as it is compared with a value. An index on the column is still used.
        String compared(String column) {
            return column + relabelled;
        }
    }
}
