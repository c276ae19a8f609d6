package dev.millrace.trespass;

import org.apache.kafka.streams.KafkaStreams;

/// Breaks a wall on purpose: the rule must report it.
final class UsesKafkaStreams {

    void start(KafkaStreams streams) {
        streams.start();
    }
}
