/// Drops secondary indexes and foreign keys of target tables before their backfill and creates them
/// again, exactly as they were, after it.
@NullMarked
package dev.millrace.indexes;

import org.jspecify.annotations.NullMarked;
