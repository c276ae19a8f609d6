/// What the benchmark measured: samples, targets, machine, and the files of the report.
@NullMarked
package dev.millrace.bench.report;

import org.jspecify.annotations.NullMarked;
