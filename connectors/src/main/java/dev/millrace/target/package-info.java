/// Carries the target topic into rows of the target database, exactly once in effect, and keeps the
/// control schema beside them. What was applied is remembered in the same transaction as the rows,
/// so a crash, a second process or a re-sent record changes nothing. This room knows nothing of the
/// source.
@NullMarked
package dev.millrace.target;

import org.jspecify.annotations.NullMarked;
