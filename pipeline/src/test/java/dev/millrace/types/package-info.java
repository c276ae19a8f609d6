/// The table of all types: every type is carried exactly, or refused by the plan.
@NullMarked
package dev.millrace.types;

import org.jspecify.annotations.NullMarked;
