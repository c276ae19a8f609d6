/// How the keys of the migration file are described, and which settings a file results in. The
/// descriptions are data: `spec` reads the file by them.
@NullMarked
package dev.millrace.spec.setting;

import org.jspecify.annotations.NullMarked;
