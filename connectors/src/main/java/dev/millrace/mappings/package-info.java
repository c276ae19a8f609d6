/// Runs the mappings of `topology` with Kafka Streams.
@NullMarked
package dev.millrace.mappings;

import org.jspecify.annotations.NullMarked;
