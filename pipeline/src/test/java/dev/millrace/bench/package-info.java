/// Benchmarks. Each compares its result with the limit of the same machine in the same run. No
/// benchmark asserts a time.
@NullMarked
package dev.millrace.bench;

import org.jspecify.annotations.NullMarked;
