package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Converts texts of a mapping to the texts that the target's columns print: PostgreSQL casts each
/// text to the column's type and prints the value. Stateless.
final class CanonicalRows {

    private CanonicalRows() {}

    static List<Row> of(Connection connection, ComparedTable table, List<Row> rows)
            throws SQLException {
        RowSchema schema = rows.getFirst().schema();
        try (var statement = connection.prepareStatement(sql(table, schema))) {
            for (int column = 0; column < schema.size(); column++) {
                @Nullable Object[] texts = new @Nullable Object[rows.size()];
                for (int i = 0; i < texts.length; i++) {
                    Row row = rows.get(i);
                    texts[i] = row.isUnchanged(column) ? null : row.text(column);
                }
                statement.setArray(column + 1, connection.createArrayOf("text", texts));
            }
            List<Row> result = new ArrayList<>(rows.size());
            try (var texts = statement.executeQuery()) {
                while (texts.next()) {
                    Row mapped = rows.get(result.size());
                    Row.Builder row = new Row.Builder(schema);
                    for (int column = 0; column < schema.size(); column++) {
                        if (mapped.isUnchanged(column)) {
                            row.unchanged(column);
                        } else {
                            row.text(column, texts.getString(column + 1));
                        }
                    }
                    result.add(row.build());
                }
            }
            return result;
        }
    }

    private static String sql(ComparedTable table, RowSchema schema) {
        return "SELECT "
                + each(schema, i -> table.column(schema.columns().get(i)).canonical("c" + i))
                + " FROM unnest("
                + each(schema, _ -> "CAST(? AS text[])")
                + ") WITH ORDINALITY AS u("
                + each(schema, i -> "c" + i)
                + ", ordinal) ORDER BY ordinal";
    }

    private static String each(RowSchema schema, IntFunction<String> column) {
        return IntStream.range(0, schema.size()).mapToObj(column).collect(Collectors.joining(", "));
    }
}
