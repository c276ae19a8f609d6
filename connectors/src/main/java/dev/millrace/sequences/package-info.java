/// Advances the sequences and identities of the target at a switchover, so that new rows get keys
/// that no existing row has.
@NullMarked
package dev.millrace.sequences;

import org.jspecify.annotations.NullMarked;
