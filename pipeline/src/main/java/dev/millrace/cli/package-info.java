/// The command line: picocli verbs over the service's HTTP interface, and the seams by which `run`,
/// `plan` and `demo` reach the rooms that do them. Client verbs load no class of Spring, so that
/// they answer at once. A verb's output goes to standard output, everything said about it to
/// standard error; this room decides nothing about a migration.
@NullMarked
package dev.millrace.cli;

import org.jspecify.annotations.NullMarked;
