/// Deletes from the log what is old and what every reader has passed, and measures the log's disk
/// use. Knows no phase.
@NullMarked
package dev.millrace.retention;

import org.jspecify.annotations.NullMarked;
