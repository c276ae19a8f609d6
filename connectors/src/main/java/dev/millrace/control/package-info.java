/// The control schema and the stores that read and write its tables: one store per table, so that a
/// question has one answer. The stores do not depend on the packages that use them.
@NullMarked
package dev.millrace.control;

import org.jspecify.annotations.NullMarked;
