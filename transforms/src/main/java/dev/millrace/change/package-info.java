/// Rows and changes, and their encoding. A value is PostgreSQL's own text and is never
/// reinterpreted here. Uses no database, no Kafka client and no clock.
@NullMarked
package dev.millrace.change;

import org.jspecify.annotations.NullMarked;
