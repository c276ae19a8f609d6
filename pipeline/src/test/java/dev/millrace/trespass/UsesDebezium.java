package dev.millrace.trespass;

import io.debezium.engine.DebeziumEngine;

/// Breaks a wall on purpose: the rule must report it.
final class UsesDebezium {

    void run(DebeziumEngine<?> engine) {
        engine.run();
    }
}
