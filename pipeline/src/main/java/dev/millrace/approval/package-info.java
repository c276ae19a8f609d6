/// Requests that need two persons: who asked, who approved, and for how long a request waits.
@NullMarked
package dev.millrace.approval;

import org.jspecify.annotations.NullMarked;
