/// Reads `millrace.yaml` into a checked [MigrationSpec] and parses each SELECT once. Defines what
/// is migrated, not how the process runs. Finds all problems of a file in one run, each with its
/// position, path and remedy. No problem contains a secret. Opens no connection: preflight checks
/// whether tables and columns exist.
@NullMarked
package dev.millrace.spec;

import org.jspecify.annotations.NullMarked;
