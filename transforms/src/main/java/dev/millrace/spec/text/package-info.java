/// The text of the migration file: positions of its characters, and values of the environment. It
/// knows YAML's scalars and no key of the file.
@NullMarked
package dev.millrace.spec.text;

import org.jspecify.annotations.NullMarked;
