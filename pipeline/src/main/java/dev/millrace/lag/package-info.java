/// How far behind, or unknown. What can't be read is never zero and never the last value that could
/// be read.
@NullMarked
package dev.millrace.lag;

import org.jspecify.annotations.NullMarked;
