package dev.millrace.target;

import dev.millrace.change.Row;
import org.jspecify.annotations.Nullable;

/// What a batch leaves of one key.
///
/// @param cleared the key was deleted in this batch, so nothing that the target has of it counts
/// @param row the cells written since; `null` when the key ends deleted
record KeyState(boolean cleared, @Nullable Row row) {

    static final KeyState UNTOUCHED = new KeyState(false, null);

    static final KeyState DELETED = new KeyState(true, null);

    /// The newer row's cells replace the older ones', unchanged cells keep them.
    KeyState then(Row newer) {
        return new KeyState(cleared, row == null || !newer.isPartial() ? newer : newer.over(row));
    }
}
