/// Where the files are that a migration file names.
@NullMarked
package dev.millrace.spec.path;

import org.jspecify.annotations.NullMarked;
