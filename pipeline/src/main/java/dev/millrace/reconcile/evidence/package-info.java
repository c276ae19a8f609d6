/// What a verdict is bound to. Decides whether a stored report still proves the two sides equal.
/// Reads both sides and the log; changes nothing.
@NullMarked
package dev.millrace.reconcile.evidence;

import org.jspecify.annotations.NullMarked;
