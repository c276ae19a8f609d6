package dev.millrace.select;

import dev.millrace.change.Row;
import dev.millrace.change.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One source row, seen through the columns that a mapping uses. For one thread.
final class Cells {

    /// Where the columns in use stand in rows of one shape; -1 for one that isn't there.
    record Places(Shape shape, List<Integer> positions) {

        static Places in(Shape shape, List<String> columns) {
            return new Places(shape, columns.stream().map(shape::position).toList());
        }
    }

    private final Row row;
    private final Places places;
    private final Relation source;

    Cells(Row row, Places places, Relation source) {
        this.row = row;
        this.places = places;
        this.source = source;
    }

    /// The text of a column that an expression reads.
    @Nullable String text(int column) {
        int position = position(column);
        if (row.isUnchanged(position)) {
            throw new RowError(
                    source.id()
                            + " needs column "
                            + row.shape().columns().get(position)
                            + ", which the source did not send (TOASTed value left unchanged): set"
                            + " REPLICA IDENTITY FULL on "
                            + source.id());
        }
        return row.text(position);
    }

    /// Puts the cell into a target row as it is.
    void copy(int column, Row.Builder target, int targetPosition) {
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
                            + row.shape()
                            + " lacks a column of "
                            + source.id()
                            + " that the SELECT uses");
        }
        return position;
    }
}
