package dev.millrace.postgres.query;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What one execution of a statement gave. Immutable.
public sealed interface QueryResult {

    /// @param columns number of columns
    /// @param rows the texts of each row, with how often the row occurs; the order is not kept
    /// @param took until the last row had arrived
    record Rows(int columns, Map<List<@Nullable String>, Integer> rows, Duration took)
            implements QueryResult {

        public long count() {
            return rows.values().stream().mapToLong(Integer::longValue).sum();
        }

        /// Whether both contain the same rows, each as often.
        public boolean isSame(Rows other) {
            return columns == other.columns && rows.equals(other.rows);
        }
    }

    /// The result has more rows or bytes than are compared.
    record TooLarge() implements QueryResult {}

    /// The statement reached its timeout, or was cancelled.
    record Cancelled() implements QueryResult {}

    /// The statement failed. The server's message is not kept, because it may contain a value.
    record Failed(String sqlState) implements QueryResult {}
}
