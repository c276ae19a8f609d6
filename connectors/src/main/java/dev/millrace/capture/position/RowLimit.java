package dev.millrace.capture.position;

import dev.millrace.change.ChangeBlock;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Oversized;
import dev.millrace.change.Row;

/// Replaces changes whose rows do not fit in a record of the log. Kafka would refuse the record,
/// and the whole migration would end with one row. Thread-safe.
public final class RowLimit {

    private RowLimit() {}

    /// The change without its largest cells if its row is too large: a delete of the same key, or
    /// an [Oversized].
    public static ChangeEvent.OfRow fitting(ChangeEvent.OfRow change) {
        Row row = change.row();
        if (row.size() <= ChangeBlock.LARGEST) {
            return change;
        }
        Row fitting = row.fitting(ChangeBlock.LARGEST);
        return change instanceof ChangeEvent.Delete
                ? new ChangeEvent.Delete(change.generation(), change.origin(), fitting)
                : new Oversized(change.generation(), change.origin(), fitting, reason(row));
    }

    private static String reason(Row row) {
        int largest = row.largest();
        return "A row of "
                + row.table()
                + " has "
                + row.size()
                + " bytes, "
                + row.size(largest)
                + " of them in column "
                + row.schema().columns().get(largest)
                + ", and a record of the log can hold at most "
                + ChangeBlock.LARGEST
                + ". Make the value smaller on the source. Then run millrace rejected retry.";
    }
}
