/// Applies the target topic to the rows of the target database, exactly once in effect: the next
/// offset is stored in the transaction that writes the rows, so a crash, a second process or a
/// resent record changes nothing. Does not depend on capture.
@NullMarked
package dev.millrace.apply;

import org.jspecify.annotations.NullMarked;
