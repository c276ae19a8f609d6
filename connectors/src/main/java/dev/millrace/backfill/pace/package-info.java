/// How fast existing rows are read, as operators say.
@NullMarked
package dev.millrace.backfill.pace;

import org.jspecify.annotations.NullMarked;
