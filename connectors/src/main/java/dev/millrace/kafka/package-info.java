/// Kafka: topics, administration, the embedded broker, and reading a range of a topic. A read joins
/// no consumer group, commits nothing and sees committed records only. Knows nothing of a
/// migration's phases.
@NullMarked
package dev.millrace.kafka;

import org.jspecify.annotations.NullMarked;
