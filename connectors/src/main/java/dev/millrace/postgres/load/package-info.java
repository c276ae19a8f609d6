/// How busy a server is, as stop conditions need it.
@NullMarked
package dev.millrace.postgres.load;

import org.jspecify.annotations.NullMarked;
