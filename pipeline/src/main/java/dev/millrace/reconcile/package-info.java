/// Whether the target is what the SELECT gives: looks at both sides between watermarks, judges what
/// differs against the log, and reports. Lag is never called a mismatch, nor a mismatch lag; what
/// can't be decided is undecided. This room reads through [dev.millrace.chunk] and
/// [dev.millrace.log] and changes nothing.
@NullMarked
package dev.millrace.reconcile;

import org.jspecify.annotations.NullMarked;
