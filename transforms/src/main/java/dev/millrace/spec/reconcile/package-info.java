/// The `reconcile` section of the migration file, checked. The model alone: `spec` reads and checks
/// it.
@NullMarked
package dev.millrace.spec.reconcile;

import org.jspecify.annotations.NullMarked;
