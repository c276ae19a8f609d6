/// What the applier knows of the broker between two polls.
@NullMarked
package dev.millrace.apply.broker;

import org.jspecify.annotations.NullMarked;
