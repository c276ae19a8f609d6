/// Moves the traffic of the applications from one database to the other: a flag, a statement, a
/// program, a webhook or a pool, each with its undo. A library for the steps of a switchover; it
/// keeps no state between calls.
@NullMarked
package dev.millrace.route;

import org.jspecify.annotations.NullMarked;
