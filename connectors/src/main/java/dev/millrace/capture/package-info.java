/// Captures the source's WAL into the changes topic, exactly once. Only this package and its
/// subpackages use Debezium and Kafka Connect. A change is confirmed to the source only after its
/// Kafka transaction is committed. Changes and source position cannot disagree, because one
/// transaction writes both.
@NullMarked
package dev.millrace.capture;

import org.jspecify.annotations.NullMarked;
