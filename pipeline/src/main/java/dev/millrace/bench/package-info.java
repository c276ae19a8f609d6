/// The benchmark: measures the service beside its peers and the physical limit, in the same run, on
/// the same data, and proves the content of every target. Knows the service only by its file, its
/// HTTP interface and SQL.
@NullMarked
package dev.millrace.bench;

import org.jspecify.annotations.NullMarked;
