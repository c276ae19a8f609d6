/// Writes compacted changes to the rows of a target table, in the caller's transaction.
@NullMarked
package dev.millrace.apply.rows;

import org.jspecify.annotations.NullMarked;
