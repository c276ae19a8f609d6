/// What a writer is asked to do on the target, and what became of it.
@NullMarked
package dev.millrace.apply.task;

import org.jspecify.annotations.NullMarked;
