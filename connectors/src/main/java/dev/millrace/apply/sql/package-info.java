/// Builds the statements that write rows to a target table. Pure.
@NullMarked
package dev.millrace.apply.sql;

import org.jspecify.annotations.NullMarked;
