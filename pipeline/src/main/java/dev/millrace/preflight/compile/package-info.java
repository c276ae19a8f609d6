/// Compiles the entries of a file against the catalogs of both databases. Only reads.
@NullMarked
package dev.millrace.preflight.compile;

import org.jspecify.annotations.NullMarked;
