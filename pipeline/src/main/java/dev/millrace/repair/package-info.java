/// Repairs rows of the target that differ from what the SELECTs give: finds them by a
/// reconciliation, reads them again through the log, in order with the changes of the source, and
/// compares them again. Never writes to a table itself.
@NullMarked
package dev.millrace.repair;

import org.jspecify.annotations.NullMarked;
