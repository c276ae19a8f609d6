/// Checks of preflight that look at the log: Kafka and its topics.
@NullMarked
package dev.millrace.preflight.kafka;

import org.jspecify.annotations.NullMarked;
