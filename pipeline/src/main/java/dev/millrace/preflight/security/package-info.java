/// Checks of preflight that look at how the sessions are protected.
@NullMarked
package dev.millrace.preflight.security;

import org.jspecify.annotations.NullMarked;
