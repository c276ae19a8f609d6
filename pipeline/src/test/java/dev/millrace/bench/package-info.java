/// How fast, beside the limit of the same machine in the same run. Nothing here asserts a time.
@NullMarked
package dev.millrace.bench;

import org.jspecify.annotations.NullMarked;
