/// Compiles a parsed SELECT and the descriptions of its tables into a [Mapping] with its
/// [RowMapper]. Opens no connection: the tables are given as [dev.millrace.sql.Relation].
@NullMarked
package dev.millrace.mapping;

import org.jspecify.annotations.NullMarked;
