package dev.millrace.target;

import dev.millrace.change.TableId;

/// A target table whose changes are no longer applied, because one of them could not be carried on
/// exactly.
///
/// @param reason what, why and what to do next; holds no value of a row
/// @param changesOffset the offset in the changes topic's partition from which on nothing of the
///   table was applied
public record StoppedTable(TableId table, String reason, int partition, long changesOffset) {}
