/// Encodes the progress of the backfill for the log.
@NullMarked
package dev.millrace.backfill.codec;

import org.jspecify.annotations.NullMarked;
