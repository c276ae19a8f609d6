/// Runs the reconciliations of a migration, on request and by schedule, and keeps their verdicts.
/// Knows no phase: its caller says when both sides can be compared.
@NullMarked
package dev.millrace.verdict;

import org.jspecify.annotations.NullMarked;
