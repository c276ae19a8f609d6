/// Rows and changes, and their bytes. A value is PostgreSQL's own text and is never reinterpreted
/// here. Knows no database, no Kafka client and no clock.
@NullMarked
package dev.millrace.change;

import org.jspecify.annotations.NullMarked;
