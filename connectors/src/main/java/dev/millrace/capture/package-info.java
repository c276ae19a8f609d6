/// Write-ahead log to changes topic, exactly once. Only this package and the packages below it see
/// Debezium and Kafka Connect. A change is confirmed upstream only after its Kafka transaction is
/// committed. The changes and the source position cannot disagree, because one transaction writes
/// both.
@NullMarked
package dev.millrace.capture;

import org.jspecify.annotations.NullMarked;
