/// Fault tests: the service runs as a process with real servers, is killed, and loses its servers.
/// After the last restart the verdict must be equal and the log must contain every change exactly
/// once.
@NullMarked
package dev.millrace.faults;

import org.jspecify.annotations.NullMarked;
