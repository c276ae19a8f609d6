/// Reads the journal of a migration and checks that its entries form an unbroken chain.
@NullMarked
package dev.millrace.control.journal;

import org.jspecify.annotations.NullMarked;
