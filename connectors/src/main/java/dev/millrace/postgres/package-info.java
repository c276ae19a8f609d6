/// PostgreSQL as the other rooms see it: quoting, sessions with pinned settings, the catalog, what
/// the server says of itself, and classes of failure. Every identifier that reaches SQL text is
/// quoted by [dev.millrace.postgres.Identifier] and nowhere else, and no message made here holds a
/// password or a row. This room knows no mapping and decides nothing about a migration.
@NullMarked
package dev.millrace.postgres;

import org.jspecify.annotations.NullMarked;
