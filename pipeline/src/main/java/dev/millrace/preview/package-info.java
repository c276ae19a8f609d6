/// Shows some rows of a source table beside what the SELECT makes of them. It only reads, under the
/// login of comparisons.
@NullMarked
package dev.millrace.preview;

import org.jspecify.annotations.NullMarked;
