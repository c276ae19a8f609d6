/// The web console at `/`: pages that the service renders, readable without JavaScript, with the
/// command line of each action beside its button. A page shows what the HTTP API returns, and its
/// buttons send the same requests.
@NullMarked
package dev.millrace.console;

import org.jspecify.annotations.NullMarked;
