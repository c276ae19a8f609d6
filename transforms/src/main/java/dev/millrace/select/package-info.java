/// The SELECT language: parse, type, compile, render. PostgreSQL's semantics exactly, over
/// PostgreSQL's own texts; what can't be computed like PostgreSQL is refused by name and position.
/// This room knows no database: what it needs of a catalog comes in as a [Relation].
@NullMarked
package dev.millrace.select;

import org.jspecify.annotations.NullMarked;
