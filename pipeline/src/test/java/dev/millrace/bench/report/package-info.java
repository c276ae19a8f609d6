/// Tests of the benchmark's report.
@NullMarked
package dev.millrace.bench.report;

import org.jspecify.annotations.NullMarked;
