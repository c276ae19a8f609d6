/// Detects connections that the network has lost.
@NullMarked
package dev.millrace.postgres.watch;

import org.jspecify.annotations.NullMarked;
