/// Compiles a SELECT and a catalog's description of its tables into a [Mapping] with its
/// [RowMapper]. Knows no database: the tables are given as a [dev.millrace.sql.Relation].
@NullMarked
package dev.millrace.mapping;

import org.jspecify.annotations.NullMarked;
