/// The contestants of the benchmark, the servers between which they copy, and the data.
@NullMarked
package dev.millrace.bench.contestant;

import org.jspecify.annotations.NullMarked;
