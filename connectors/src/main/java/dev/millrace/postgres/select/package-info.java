/// Whether PostgreSQL understands a SELECT as Millrace does.
@NullMarked
package dev.millrace.postgres.select;

import org.jspecify.annotations.NullMarked;
