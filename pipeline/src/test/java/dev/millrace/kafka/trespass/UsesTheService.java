package dev.millrace.kafka.trespass;

import dev.millrace.migration.trespass.Entrance;

/// Breaks a wall on purpose: the rule must report it.
final class UsesTheService {

    Entrance entrance() {
        return new Entrance();
    }
}
