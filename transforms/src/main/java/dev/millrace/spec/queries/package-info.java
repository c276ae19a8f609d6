/// Statements of the application whose results are compared.
@NullMarked
package dev.millrace.spec.queries;

import org.jspecify.annotations.NullMarked;
