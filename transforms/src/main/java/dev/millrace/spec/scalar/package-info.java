/// Single values of the file, and what is wrong with them.
@NullMarked
package dev.millrace.spec.scalar;

import org.jspecify.annotations.NullMarked;
