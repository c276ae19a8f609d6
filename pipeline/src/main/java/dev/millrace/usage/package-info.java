/// Whether others still use the source after the switchover, by the statistics that its server
/// counts. Only reads the source.
@NullMarked
package dev.millrace.usage;

import org.jspecify.annotations.NullMarked;
