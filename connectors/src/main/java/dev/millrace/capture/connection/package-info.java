/// Whether the source still serves the replication connection of a capture.
@NullMarked
package dev.millrace.capture.connection;

import org.jspecify.annotations.NullMarked;
