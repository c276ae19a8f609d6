/// Limits how much is read or written per second.
@NullMarked
package dev.millrace.throttle;

import org.jspecify.annotations.NullMarked;
