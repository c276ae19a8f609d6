/// Reads `millrace.yaml` into a checked [MigrationSpec]: what is migrated, not how the process
/// runs. All problems of a file are found in one pass, each with its position, path and remedy. No
/// problem contains a secret or a value from the environment. Opens no connection: whether tables
/// and columns exist is checked by preflight.
@NullMarked
package dev.millrace.spec;

import org.jspecify.annotations.NullMarked;
