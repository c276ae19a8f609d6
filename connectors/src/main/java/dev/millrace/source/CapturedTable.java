package dev.millrace.source;

import dev.millrace.select.Relation;

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
}
