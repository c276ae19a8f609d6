/// Traces sampled source transactions from the commit on the source to the commit on the target.
/// Knows ids and times of a change, and never its values.
@NullMarked
package dev.millrace.trace;

import org.jspecify.annotations.NullMarked;
