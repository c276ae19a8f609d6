/// The target tables whose changes are not applied, and which changes they have missed.
@NullMarked
package dev.millrace.control.stopped;

import org.jspecify.annotations.NullMarked;
