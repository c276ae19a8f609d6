/// The process: `main`, the wiring of the service, and its logging. The migration starts after the
/// HTTP port is open and is drained before the port is closed.
@NullMarked
package dev.millrace.app;

import org.jspecify.annotations.NullMarked;
