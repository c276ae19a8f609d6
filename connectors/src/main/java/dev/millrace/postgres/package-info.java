/// Access to PostgreSQL: quoting, sessions with pinned settings, the catalog, server facts,
/// replication slots, publications, and kinds of failures. [dev.millrace.postgres.Identifier]
/// quotes every identifier in SQL text. No message of this package contains a password or a row.
/// Knows no mapping and makes no decision about a migration.
@NullMarked
package dev.millrace.postgres;

import org.jspecify.annotations.NullMarked;
