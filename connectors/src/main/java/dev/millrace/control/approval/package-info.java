/// Stores requests that need two persons.
@NullMarked
package dev.millrace.control.approval;

import org.jspecify.annotations.NullMarked;
