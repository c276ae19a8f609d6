/// Pauses, limits and stops reading existing rows and writing to the target: for the operator, and
/// for the stop conditions of the file.
@NullMarked
package dev.millrace.flow;

import org.jspecify.annotations.NullMarked;
