/// Whether the target does what the source does: its columns, constraints, indexes, sequences and
/// privileges beside those of the source tables that the mappings read. Only reads both databases.
@NullMarked
package dev.millrace.parity;

import org.jspecify.annotations.NullMarked;
