/// The service as its users run it, a process of its own beside real servers, killed and starved.
/// What must hold: the verdict is equal after the last restart, and the log holds every change
/// once.
@NullMarked
package dev.millrace.faults;

import org.jspecify.annotations.NullMarked;
