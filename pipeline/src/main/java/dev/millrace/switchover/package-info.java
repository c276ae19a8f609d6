/// Moves the application's writes from the source to the target, and undoes it. Gates decide
/// whether it may begin. Each step is in the journal before its effect, can be repeated, and has
/// its own undo. Until the lease on the source is permanent every failure leads back to the source;
/// afterwards every restart continues forward.
@NullMarked
package dev.millrace.switchover;

import org.jspecify.annotations.NullMarked;
