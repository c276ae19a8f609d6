/// PostgreSQL: quoting, sessions with pinned settings, the catalog, the facts of a server, and
/// classes of failures. Every identifier in SQL text is quoted by
/// [dev.millrace.postgres.Identifier] and nowhere else. No message of this package contains a
/// password or a row. Knows no mapping and decides nothing about a migration.
@NullMarked
package dev.millrace.postgres;

import org.jspecify.annotations.NullMarked;
