/// Parses SELECTs: lexer, parser, syntax tree, renderer, and the checks that need no catalog. A
/// text that PostgreSQL would read differently is refused, with its position.
@NullMarked
package dev.millrace.sql;

import org.jspecify.annotations.NullMarked;
