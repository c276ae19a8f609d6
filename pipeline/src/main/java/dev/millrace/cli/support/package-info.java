/// Commands for the people around a migration: diagnostics for somebody else, its runbook, tokens
/// for its access, and the manual pages.
@NullMarked
package dev.millrace.cli.support;

import org.jspecify.annotations.NullMarked;
