/// Access to Kafka: client settings, administration, the embedded broker, and reading ranges of
/// topics. Reading joins no consumer group and commits nothing. Knows no phase of a migration.
@NullMarked
package dev.millrace.kafka;

import org.jspecify.annotations.NullMarked;
