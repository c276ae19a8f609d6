/// What an operator sees of the keys whose changes are not applied, and does with them.
@NullMarked
package dev.millrace.rejected;

import org.jspecify.annotations.NullMarked;
