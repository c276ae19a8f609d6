/// Renders the report of a reconciliation for people. Pure.
@NullMarked
package dev.millrace.reconcile.report;

import org.jspecify.annotations.NullMarked;
