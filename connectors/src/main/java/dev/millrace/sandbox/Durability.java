package dev.millrace.sandbox;

import java.util.Map;

/// What a server promises of a committed transaction.
public enum Durability {
    /// Committed means on disk: fsync, full pages, synchronous commit.
    DURABLE(Map.of("fsync", "on", "full_page_writes", "on", "synchronous_commit", "on")),
    /// Fast, and worth nothing after a power cut. A killed server still recovers what the operating
    /// system has.
    FAST(Map.of("fsync", "off", "full_page_writes", "off", "synchronous_commit", "off"));

    private final Map<String, String> settings;

    Durability(Map<String, String> settings) {
        this.settings = settings;
    }

    Map<String, String> settings() {
        return settings;
    }
}
