/// Runs statements of the application on both sides and compares their results. It only reads,
/// within a budget.
@NullMarked
package dev.millrace.reads;

import org.jspecify.annotations.NullMarked;
