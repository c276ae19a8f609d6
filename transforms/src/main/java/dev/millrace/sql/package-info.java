/// The text of a SELECT: lexer, parser, syntax tree, renderer, and the checks that need no catalog.
/// What PostgreSQL would read differently is refused with its position.
@NullMarked
package dev.millrace.sql;

import org.jspecify.annotations.NullMarked;
