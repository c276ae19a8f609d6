/// Types, operators and functions, and their evaluation with PostgreSQL's semantics over
/// PostgreSQL's own text of each value. What cannot be evaluated as PostgreSQL does is refused by
/// name and position.
@NullMarked
package dev.millrace.expression;

import org.jspecify.annotations.NullMarked;
