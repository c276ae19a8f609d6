/// Computes digests of a table inside PostgreSQL on either side. A chunk is a bucket of keys or a
/// list of keys. A digest is a count and two sums of hashes that do not depend on the order of
/// rows. `reconcile` decides what a difference means.
@NullMarked
package dev.millrace.digest;

import org.jspecify.annotations.NullMarked;
