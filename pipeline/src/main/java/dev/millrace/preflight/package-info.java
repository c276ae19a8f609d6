/// May we start? Everything that can be known before the slot is made is gathered once, judged by
/// pure checks, and told as findings with what to do. Nothing is created on either side. This room
/// knows no stream and no engine: it ends where the mappings are compiled and every gate is open.
@NullMarked
package dev.millrace.preflight;

import org.jspecify.annotations.NullMarked;
