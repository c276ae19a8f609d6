/// One direction of replication as a value: its names, its databases, and the components that
/// capture, map and apply its changes. Knows no phase and no journal.
@NullMarked
package dev.millrace.stream;

import org.jspecify.annotations.NullMarked;
