/// Reads rows of a migration again that the target may not have, or should not have any more, and
/// journals how far that is.
@NullMarked
package dev.millrace.rebackfill;

import org.jspecify.annotations.NullMarked;
