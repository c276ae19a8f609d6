/// What may be shown of a failure, and what may be logged of one that nobody expected.
@NullMarked
package dev.millrace.fault;

import org.jspecify.annotations.NullMarked;
