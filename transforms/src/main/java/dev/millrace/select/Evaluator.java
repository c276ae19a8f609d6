package dev.millrace.select;

import org.jspecify.annotations.Nullable;

/// Computes one value over the cells of a row: a [Long] for the integers, [Numeric], [Boolean], or
/// PostgreSQL's text for every other type; `null` is NULL.
interface Evaluator {

    /// @throws RowError where PostgreSQL raises an error
    @Nullable Object value(Cells cells);
}
