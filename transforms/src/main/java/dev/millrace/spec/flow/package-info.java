/// When the flow of a migration is held by itself, as the migration file says. The model alone:
/// `spec` reads and checks it.
@NullMarked
package dev.millrace.spec.flow;

import org.jspecify.annotations.NullMarked;
