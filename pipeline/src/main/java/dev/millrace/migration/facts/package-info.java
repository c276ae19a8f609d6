/// The facts on which gates decide.
@NullMarked
package dev.millrace.migration.facts;

import org.jspecify.annotations.NullMarked;
