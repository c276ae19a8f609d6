package dev.millrace.expression;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.sql.Relation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One source row, seen through the columns that a mapping uses. For one thread.
public final class Cells {

    /// Where the columns in use stand in rows of one schema; -1 for one that isn't there.
    public record Places(RowSchema schema, List<Integer> positions) {

        public static Places in(RowSchema schema, List<String> columns) {
            return new Places(schema, columns.stream().map(schema::position).toList());
        }
    }

    private final Row row;
    private final Places places;
    private final Relation source;

    public Cells(Row row, Places places, Relation source) {
        this.row = row;
        this.places = places;
        this.source = source;
    }

    /// The text of a column that an expression reads.
    public @Nullable String text(int column) {
        int position = position(column);
        if (row.isUnchanged(position)) {
            throw new RowError(
                    source.id()
                            + " needs column "
                            + row.schema().columns().get(position)
                            + ", which the source did not send (TOASTed value left unchanged): set"
                            + " REPLICA IDENTITY FULL on "
                            + source.id());
        }
        return row.text(position);
    }

    /// Puts the cell into a target row as it is.
    public void copy(int column, Row.Builder target, int targetPosition) {
        int position = position(column);
        if (row.isUnchanged(position)) {
            target.unchanged(targetPosition);
        } else {
            target.text(targetPosition, row.text(position));
        }
    }

    private int position(int column) {
        int position = places.positions().get(column);
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
