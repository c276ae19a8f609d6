/// Sends rows to the target by COPY.
@NullMarked
package dev.millrace.apply.copy;

import org.jspecify.annotations.NullMarked;
