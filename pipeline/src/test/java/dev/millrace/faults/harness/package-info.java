/// Runs a migration as a child process that ends, freezes or waits at a named point of the data's
/// path, and checks afterwards, without the product's own comparison, that nothing was lost,
/// resurrected, overwritten by something older, or written to the log twice.
@NullMarked
package dev.millrace.faults.harness;

import org.jspecify.annotations.NullMarked;
