/// What all long-running components share: their state, when they are started again, what a failure
/// means, and what of it may be shown or logged.
@NullMarked
package dev.millrace.lifecycle;

import org.jspecify.annotations.NullMarked;
