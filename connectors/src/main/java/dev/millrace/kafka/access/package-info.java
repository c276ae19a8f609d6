/// How Millrace connects to a cluster that is not its own, and what it may do there.
@NullMarked
package dev.millrace.kafka.access;

import org.jspecify.annotations.NullMarked;
