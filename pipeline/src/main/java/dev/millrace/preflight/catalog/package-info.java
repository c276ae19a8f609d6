/// Checks of preflight that read the catalogs of both databases themselves.
@NullMarked
package dev.millrace.preflight.catalog;

import org.jspecify.annotations.NullMarked;
