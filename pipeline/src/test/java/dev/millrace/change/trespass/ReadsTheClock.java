package dev.millrace.change.trespass;

import java.time.Instant;

/// Breaks a wall on purpose: the rule must report it.
final class ReadsTheClock {

    Instant now() {
        return Instant.now();
    }
}
