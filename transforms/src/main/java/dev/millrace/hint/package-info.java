/// Suggestions for misspelled names. The file reader, the SELECT compiler and the service all use
/// this one.
@NullMarked
package dev.millrace.hint;

import org.jspecify.annotations.NullMarked;
