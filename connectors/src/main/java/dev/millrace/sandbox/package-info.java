/// A real PostgreSQL server of one's own, unpacked from the class path, for the demo and for tests.
/// No server outlives the process that started it, whatever ends that process. Knows nothing of
/// migrations.
@NullMarked
package dev.millrace.sandbox;

import org.jspecify.annotations.NullMarked;
