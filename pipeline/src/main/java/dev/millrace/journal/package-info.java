/// Shows the journal of a migration to clients, and writes the hash of each new entry to the log.
@NullMarked
package dev.millrace.journal;

import org.jspecify.annotations.NullMarked;
