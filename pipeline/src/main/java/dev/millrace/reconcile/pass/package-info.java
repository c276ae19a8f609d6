/// Compares all rows of the tables: small tables in groups, large ones in chunks, each between its
/// own watermarks. Decides no key by itself: what differs goes to `KeyVerifier`.
@NullMarked
package dev.millrace.reconcile.pass;

import org.jspecify.annotations.NullMarked;
