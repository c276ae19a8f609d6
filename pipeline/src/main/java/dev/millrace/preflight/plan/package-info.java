/// What programs read of a plan: the groups of the checks. The JSON Schema is in the resources.
@NullMarked
package dev.millrace.preflight.plan;

import org.jspecify.annotations.NullMarked;
