/// Decides what a refused statement means for its table and its keys, and finds the keys that the
/// target refuses.
@NullMarked
package dev.millrace.apply.refusal;

import org.jspecify.annotations.NullMarked;
