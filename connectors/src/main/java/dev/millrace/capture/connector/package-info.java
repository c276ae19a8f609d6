/// The classes that the Debezium engine loads by name: the connector, the converter that keeps
/// every value as PostgreSQL's text, the names and fields of its records, and the snapshot query.
@NullMarked
package dev.millrace.capture.connector;

import org.jspecify.annotations.NullMarked;
