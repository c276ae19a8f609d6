/// Lets this process write to target tables, or holds it back.
@NullMarked
package dev.millrace.apply.gate;

import org.jspecify.annotations.NullMarked;
