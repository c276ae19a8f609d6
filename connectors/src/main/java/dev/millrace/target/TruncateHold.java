package dev.millrace.target;

import dev.millrace.change.TableId;
import java.util.List;

/// The point at which every partition stands right before the same truncate, with everything before
/// it applied. One transaction empties the table and takes every stored offset past the truncate.
///
/// @param from the stored offsets by partition
/// @param to the same behind the truncate
record TruncateHold(TableId table, long id, List<StoredOffset> from, List<StoredOffset> to)
        implements TargetTask {

    TruncateHold {
        from = List.copyOf(from);
        to = List.copyOf(to);
    }
}
