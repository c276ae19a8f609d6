/// What a row and a change are, and how they become bytes. Every other room speaks in these words.
/// A value is PostgreSQL's own text and is never reinterpreted here. This room knows no database,
/// no Kafka and no clock.
@NullMarked
package dev.millrace.change;

import org.jspecify.annotations.NullMarked;
