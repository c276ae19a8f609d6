package dev.millrace.capture;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.sql.Relation;
import org.jspecify.annotations.Nullable;

/// A source table that a mapping reads.
///
/// @param fullIdentity REPLICA IDENTITY FULL: an update brings the whole old row, from which
///   unchanged TOASTed values are filled in
public record CapturedTable(Relation relation, boolean fullIdentity) {

    public CapturedTable {
        if (relation.key().isEmpty()) {
            throw new IllegalArgumentException(relation.id() + " has no key: it can't be captured");
        }
    }

    /// The source computes such a column itself and doesn't send it.
    boolean isGenerated(String column) {
        return relation.column(column).filter(Relation.Column::generated).isPresent();
    }

    /// @param now the table as the source describes it, or `null` when it isn't there
    /// @throws SourceLostException when the mappings were planned over other columns
    CapturedTable asItIs(@Nullable Relation now) {
        if (now == null) {
            throw new SourceLostException(relation.id() + " is gone from the source");
        }
        for (Relation.Column planned : relation.columns()) {
            now.column(planned.name())
                    .filter(column -> !isOfType(column, planned))
                    .ifPresent(
                            column -> {
                                throw new SourceLostException(
                                        relation.id()
                                                + " was altered after it was planned: column "
                                                + column.name()
                                                + " has another type; stop and start again");
                            });
        }
        return new CapturedTable(
                new Relation(relation.id(), now.columns(), relation.key()), fullIdentity);
    }

    private static boolean isOfType(Relation.Column column, Relation.Column planned) {
        return column.type().schema().equals(planned.type().schema())
                && column.type().name().equals(planned.type().name());
    }
}
