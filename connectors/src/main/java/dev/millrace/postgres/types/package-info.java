/// What types consist of.
@NullMarked
package dev.millrace.postgres.types;

import org.jspecify.annotations.NullMarked;
