/// Conducts one migration: its phases, its generations, its reconciliations and its status. Only
/// the conductor changes the phase, and the status never shows a better phase than the journal.
/// Depends on neither HTTP nor Spring.
@NullMarked
package dev.millrace.migration;

import org.jspecify.annotations.NullMarked;
