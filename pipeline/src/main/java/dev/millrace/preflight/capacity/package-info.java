/// Checks of preflight that compare amounts: the WAL that the source keeps, and the size of rows.
@NullMarked
package dev.millrace.preflight.capacity;

import org.jspecify.annotations.NullMarked;
