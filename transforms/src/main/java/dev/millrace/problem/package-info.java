/// Problems of the migration file: one record for all of them, from the YAML reader to preflight,
/// with its position in the file and suggestions for misspelled names.
@NullMarked
package dev.millrace.problem;

import org.jspecify.annotations.NullMarked;
