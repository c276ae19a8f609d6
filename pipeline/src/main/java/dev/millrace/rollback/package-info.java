/// What a rollback would cost now: what was written on the target since the switchover, how much of
/// it comes back, and how long writes would wait. Only reads. Knows no phase.
@NullMarked
package dev.millrace.rollback;

import org.jspecify.annotations.NullMarked;
