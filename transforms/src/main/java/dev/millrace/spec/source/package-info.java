/// What changes of the source other than those of rows do to the target. The model alone: `spec`
/// reads and checks it.
@NullMarked
package dev.millrace.spec.source;

import org.jspecify.annotations.NullMarked;
