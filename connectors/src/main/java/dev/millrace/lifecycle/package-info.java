/// What all components that run for long have in common.
@NullMarked
package dev.millrace.lifecycle;

import org.jspecify.annotations.NullMarked;
