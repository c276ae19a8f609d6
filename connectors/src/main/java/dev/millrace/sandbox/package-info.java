/// Runs PostgreSQL servers for the demo and for tests, unpacked from the class path, and provides
/// what every local server needs: a folder that one process at a time uses, and a free loopback
/// port. No server outlives the process that started it. Does not depend on migrations.
@NullMarked
package dev.millrace.sandbox;

import org.jspecify.annotations.NullMarked;
