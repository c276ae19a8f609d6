/// Stores the repairs of a migration and the keys that they repair.
@NullMarked
package dev.millrace.control.repair;

import org.jspecify.annotations.NullMarked;
