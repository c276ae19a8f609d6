package dev.millrace.trespass;

import java.time.Instant;

/// Breaks a wall on purpose: the rule must see it.
final class TellsTheTime {

    Instant now() {
        return Instant.now();
    }
}
