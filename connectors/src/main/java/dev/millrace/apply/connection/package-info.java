/// Whether the target still serves the sessions of apply.
@NullMarked
package dev.millrace.apply.connection;

import org.jspecify.annotations.NullMarked;
