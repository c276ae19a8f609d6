/// What is told of a failure that nobody expected.
@NullMarked
package dev.millrace.fault;

import org.jspecify.annotations.NullMarked;
