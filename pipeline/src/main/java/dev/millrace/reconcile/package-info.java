/// Compares the target with the result of the SELECTs. Reads both sides between watermarks, checks
/// what differs against the log, and writes the report. Lag is never reported as a mismatch, and a
/// mismatch never as lag. What cannot be decided is undecided. Changes nothing.
@NullMarked
package dev.millrace.reconcile;

import org.jspecify.annotations.NullMarked;
