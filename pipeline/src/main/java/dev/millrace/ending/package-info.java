/// The end of a migration: `abort` and `complete`. Writes the archive, which is also the mark that
/// the migration has ended, and removes everything that the migration has created.
@NullMarked
package dev.millrace.ending;

import org.jspecify.annotations.NullMarked;
