/// The runbook of one migration, filled in from its file.
@NullMarked
package dev.millrace.runbook;

import org.jspecify.annotations.NullMarked;
