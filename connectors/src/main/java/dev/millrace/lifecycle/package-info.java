/// What all long-running components share: what a failure means, what of it may be shown to a user,
/// and what may be logged of an unexpected one.
@NullMarked
package dev.millrace.lifecycle;

import org.jspecify.annotations.NullMarked;
