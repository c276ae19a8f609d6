/// What operators set for the flow of a stream, in the control schema.
@NullMarked
package dev.millrace.control.flow;

import org.jspecify.annotations.NullMarked;
