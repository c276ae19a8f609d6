/// Runs statements of the application, which may only read, with limits on time and size.
@NullMarked
package dev.millrace.postgres.query;

import org.jspecify.annotations.NullMarked;
