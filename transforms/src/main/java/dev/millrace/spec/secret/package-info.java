/// Secrets in separate files, which can be rotated while a process runs.
@NullMarked
package dev.millrace.spec.secret;

import org.jspecify.annotations.NullMarked;
