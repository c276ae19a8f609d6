/// Commands for the people around a migration: diagnostics for somebody else, its runbook, and the
/// manual pages.
@NullMarked
package dev.millrace.cli.support;

import org.jspecify.annotations.NullMarked;
