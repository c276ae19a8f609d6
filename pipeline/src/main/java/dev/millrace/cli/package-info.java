/// The command line: picocli commands over the service's HTTP interface. `run`, `plan` and `demo`
/// reach their code through [dev.millrace.cli.Providers]. Client commands load no Spring class, so
/// they start fast. Results go to standard output, all other messages to standard error. Decides
/// nothing about a migration.
@NullMarked
package dev.millrace.cli;

import org.jspecify.annotations.NullMarked;
