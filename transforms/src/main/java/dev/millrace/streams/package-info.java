/// Lifts the compiled mappings over the topics with Kafka Streams, and names the topics. The only
/// room that sees Kafka Streams.
@NullMarked
package dev.millrace.streams;

import org.jspecify.annotations.NullMarked;
