/// Conducts one migration: its phases, its journal, and the parts that run for it. Nothing but
/// [Migration] changes the phase, and no phase is entered before the journal says so. This room
/// knows no HTTP and no Spring.
@NullMarked
package dev.millrace.migration;

import org.jspecify.annotations.NullMarked;
