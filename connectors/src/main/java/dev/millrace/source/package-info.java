/// Write-ahead log to changes topic, exactly once. The only room that sees Debezium and Kafka
/// Connect. A change is forgotten upstream only when its Kafka transaction is committed; the log
/// and the position never disagree, because both are written in that transaction.
@NullMarked
package dev.millrace.source;

import org.jspecify.annotations.NullMarked;
