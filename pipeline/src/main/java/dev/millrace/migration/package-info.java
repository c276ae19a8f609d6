/// Conducts one migration: its phases, its journal and the components that run for it. Only
/// [Migration] changes the phase, and a phase is entered only after it is in the journal. Knows
/// neither HTTP nor Spring.
@NullMarked
package dev.millrace.migration;

import org.jspecify.annotations.NullMarked;
