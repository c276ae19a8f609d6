package dev.millrace.expression;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.sql.Relation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The cells of one source row that a mapping uses. Not thread-safe; confined to the thread that
/// maps the row.
public final class Cells {

    /// The positions of the used columns in rows of one schema; -1 for a column that the schema
    /// lacks. Immutable.
    public record Positions(RowSchema schema, List<Integer> indexes) {

        public static Positions in(RowSchema schema, List<String> columns) {
            return new Positions(schema, columns.stream().map(schema::position).toList());
        }
    }

    private final Row row;
    private final Positions positions;
    private final Relation source;

    public Cells(Row row, Positions positions, Relation source) {
        this.row = row;
        this.positions = positions;
        this.source = source;
    }

    /// The text of a column that an expression reads; `null` is NULL.
    ///
    /// @throws RowError.UnchangedCell when the source did not send the value
    public @Nullable String text(int column) {
        int position = position(column);
        if (row.isUnchanged(position)) {
            throw new RowError.UnchangedCell(
                    source.id()
                            + " needs column "
                            + row.schema().columns().get(position)
                            + ", which the source did not send (TOASTed value left unchanged):"
                            + " set REPLICA IDENTITY FULL on "
                            + source.id());
        }
        return row.text(position);
    }

    /// Copies the cell to a target row unchanged.
    public void copy(int column, Row.Builder target, int targetPosition) {
        target.copy(targetPosition, row, position(column));
    }

    private int position(int column) {
        int position = positions.indexes().get(column);
        if (position < 0) {
            throw new RowError(
                    "a row of "
                            + row.schema()
                            + " lacks a column of "
                            + source.id()
                            + " that the SELECT uses");
        }
        return position;
    }
}
