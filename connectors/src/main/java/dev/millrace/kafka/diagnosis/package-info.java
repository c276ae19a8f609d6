/// What a person needs to know of a Kafka cluster to find the cause of a problem, without any
/// record.
@NullMarked
package dev.millrace.kafka.diagnosis;

import org.jspecify.annotations.NullMarked;
