/// Tests of the benchmark. None asserts a time.
@NullMarked
package dev.millrace.bench;

import org.jspecify.annotations.NullMarked;
