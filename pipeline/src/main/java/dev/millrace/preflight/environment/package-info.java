/// Checks of preflight that look at both servers as a whole, beside the tables of the migration.
@NullMarked
package dev.millrace.preflight.environment;

import org.jspecify.annotations.NullMarked;
