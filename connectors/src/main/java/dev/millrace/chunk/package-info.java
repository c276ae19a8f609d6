/// Chunks of a table and their digests, computed inside PostgreSQL on either side. A chunk is a
/// bucket of keys or a list of keys; a digest is a count and two sums of hashes that depend on no
/// order. This room reads and adds up; what a difference means is decided elsewhere.
@NullMarked
package dev.millrace.chunk;

import org.jspecify.annotations.NullMarked;
