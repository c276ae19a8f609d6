package dev.millrace.capture;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.sql.Relation;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A source table that a mapping reads. Immutable.
///
/// @param fullIdentity REPLICA IDENTITY FULL: an update carries the complete old row, which
///   supplies unchanged TOASTed values
/// @param lacksCells whether a mapping needs an unchanged cell of a row, so that the row must be
///   read again; thread-safe
/// @param order the key by which the changes of a row are ordered: rows with equal ones are in one
///   partition, also those of different tables; thread-safe
public record CapturedTable(
        Relation relation,
        boolean fullIdentity,
        Predicate<Row> lacksCells,
        Function<Row, RowKey> order) {

    public CapturedTable {
        if (relation.key().isEmpty()) {
            throw new IllegalArgumentException(
                    relation.id() + " has no key and cannot be captured.");
        }
    }

    /// A table whose unchanged cells are only copied.
    public CapturedTable(Relation relation, boolean fullIdentity) {
        this(relation, fullIdentity, _ -> false, Row::key);
    }

    /// The same table, of which a mapping may need unchanged cells.
    public CapturedTable lacking(Predicate<Row> cells) {
        return new CapturedTable(relation, fullIdentity, cells, order);
    }

    /// The same table, whose changes are ordered by the key of another table's row.
    public CapturedTable orderedBy(Function<Row, RowKey> key) {
        return new CapturedTable(relation, fullIdentity, lacksCells, key);
    }

    /// Whether the source computes the column and does not send it.
    boolean isGenerated(String column) {
        return relation.column(column).filter(Relation.Column::generated).isPresent();
    }

    /// @param now the table's current definition, or `null` if it does not exist
    /// @throws SourceLostException if a column's type differs from the planned one
    CapturedTable withColumnsOf(@Nullable Relation now) {
        if (now == null) {
            throw new SourceLostException(relation.id() + " no longer exists on the source.");
        }
        for (Relation.Column planned : relation.columns()) {
            now.column(planned.name())
                    .filter(column -> !hasSameType(column, planned))
                    .ifPresent(
                            column -> {
                                throw new SourceLostException(
                                        "The type of column "
                                                + column.name()
                                                + " of "
                                                + relation.id()
                                                + " changed after Millrace started. Restart Millrace.");
                            });
        }
        return new CapturedTable(
                new Relation(relation.id(), now.columns(), relation.key()),
                fullIdentity,
                lacksCells,
                order);
    }

    private static boolean hasSameType(Relation.Column column, Relation.Column planned) {
        return column.type().schema().equals(planned.type().schema())
                && column.type().name().equals(planned.type().name());
    }
}
