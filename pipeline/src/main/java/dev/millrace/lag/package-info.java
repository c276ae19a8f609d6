/// Measures lag and probes the servers. A lag that cannot be read is unknown, never zero and never
/// the last value.
@NullMarked
package dev.millrace.lag;

import org.jspecify.annotations.NullMarked;
