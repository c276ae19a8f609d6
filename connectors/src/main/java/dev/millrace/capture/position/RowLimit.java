package dev.millrace.capture.position;

import dev.millrace.capture.position.PositionCodec.UnreadableChangeException;
import dev.millrace.change.Row;
import java.util.Comparator;
import java.util.stream.IntStream;

/// Refuses rows that do not fit in a record of the log. Kafka would refuse the record too, but name
/// no table. Thread-safe.
public final class RowLimit {

    /// The largest record of the log has 64 MiB; the rest is for names and Kafka's own bytes.
    static final int BYTES = 63 * 1024 * 1024;

    private RowLimit() {}

    /// @throws UnreadableChangeException with the names of the table and of the largest column
    public static void check(Row row) {
        if (row.size() <= BYTES) {
            return;
        }
        int largest =
                IntStream.range(0, row.schema().size())
                        .boxed()
                        .max(Comparator.comparingInt(column -> bytes(row, column)))
                        .orElseThrow();
        throw new UnreadableChangeException(
                "A row of "
                        + row.table()
                        + " has "
                        + row.size()
                        + " bytes, "
                        + bytes(row, largest)
                        + " of them in column "
                        + row.schema().columns().get(largest)
                        + ", and a record of the log can hold at most "
                        + BYTES
                        + ". Make the value smaller on the source. Then restart Millrace if the row"
                        + " existed before the migration; otherwise begin a new migration, because"
                        + " the WAL still contains the value.");
    }

    private static int bytes(Row row, int column) {
        int[] bytes = {0};
        if (!row.isUnchanged(column) && !row.isNull(column)) {
            row.read(column, (_, _, length) -> bytes[0] = length);
        }
        return bytes[0];
    }
}
