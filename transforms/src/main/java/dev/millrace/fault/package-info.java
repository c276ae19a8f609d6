/// What a failure means, what of it may be shown, and what may be logged of one that nobody
/// expected.
@NullMarked
package dev.millrace.fault;

import org.jspecify.annotations.NullMarked;
