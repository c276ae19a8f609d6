/// Reads existing rows beside the stream, in windows: page ranges of a table, and rows by key. Only
/// the capture thread writes the rows to the changes topic, so this package knows neither capture
/// nor Kafka.
@NullMarked
package dev.millrace.backfill;

import org.jspecify.annotations.NullMarked;
