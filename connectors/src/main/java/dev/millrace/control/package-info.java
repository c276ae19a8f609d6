/// The control schema on the target and the stores that read and write its tables. Each question
/// about a table is answered by one store.
@NullMarked
package dev.millrace.control;

import org.jspecify.annotations.NullMarked;
