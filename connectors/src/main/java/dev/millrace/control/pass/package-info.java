/// The progress of a reconciliation in the control schema.
@NullMarked
package dev.millrace.control.pass;

import org.jspecify.annotations.NullMarked;
