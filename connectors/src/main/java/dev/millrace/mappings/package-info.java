/// Runs the mappings of `topology` with Kafka Streams: start, restart, state and lag of the
/// application.
@NullMarked
package dev.millrace.mappings;

import org.jspecify.annotations.NullMarked;
