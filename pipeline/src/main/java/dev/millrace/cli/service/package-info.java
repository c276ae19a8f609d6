/// Calls the HTTP API of the running service for the commands. Knows no command and no option.
@NullMarked
package dev.millrace.cli.service;

import org.jspecify.annotations.NullMarked;
