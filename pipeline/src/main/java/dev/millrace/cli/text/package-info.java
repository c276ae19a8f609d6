/// Formats figures, progress and tables as text for people. Knows no command, terminal or service.
@NullMarked
package dev.millrace.cli.text;

import org.jspecify.annotations.NullMarked;
