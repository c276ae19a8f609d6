/// The names of tables in the migration file.
@NullMarked
package dev.millrace.spec.name;

import org.jspecify.annotations.NullMarked;
