/// `millrace.yaml` as a checked [MigrationSpec]: what is migrated, never how the process runs. All
/// problems of a file are found in one reading, each with its place in the file, its path and its
/// remedy; no problem holds a secret or a value taken from the environment. This room opens no
/// connection: whether tables and columns exist is for others to ask.
@NullMarked
package dev.millrace.spec;

import org.jspecify.annotations.NullMarked;
