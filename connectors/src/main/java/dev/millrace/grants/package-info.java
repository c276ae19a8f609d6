/// The SQL that gives each login of a file what it needs.
@NullMarked
package dev.millrace.grants;

import org.jspecify.annotations.NullMarked;
