/// PostgreSQL servers for the demo and for tests, unpacked from the class path, and what every
/// server on this machine needs: a folder that one process holds at a time and a free loopback
/// port. No server outlives the process that started it. Knows nothing of migrations.
@NullMarked
package dev.millrace.sandbox;

import org.jspecify.annotations.NullMarked;
