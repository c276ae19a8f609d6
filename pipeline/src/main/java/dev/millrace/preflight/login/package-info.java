/// Checks of the logins that only compare.
@NullMarked
package dev.millrace.preflight.login;

import org.jspecify.annotations.NullMarked;
