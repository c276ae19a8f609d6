/// How the sessions of the applier mark their transactions, so that the capture of the opposite
/// stream drops them.
@NullMarked
package dev.millrace.apply.origin;

import org.jspecify.annotations.NullMarked;
