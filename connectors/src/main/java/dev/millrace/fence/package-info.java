/// Refuses the application's writes to the tables of one stream in one database, for as long as a
/// lease in this database says so.
@NullMarked
package dev.millrace.fence;

import org.jspecify.annotations.NullMarked;
