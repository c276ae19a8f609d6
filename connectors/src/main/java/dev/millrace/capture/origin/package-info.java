/// Who wrote the changes that a capture receives: the opposite stream of the migration, or anybody
/// else. Performs no I/O.
@NullMarked
package dev.millrace.capture.origin;

import org.jspecify.annotations.NullMarked;
