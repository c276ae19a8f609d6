/// Bundles what a person needs to find the cause of a problem, without secrets and without values
/// of rows.
@NullMarked
package dev.millrace.doctor;

import org.jspecify.annotations.NullMarked;
