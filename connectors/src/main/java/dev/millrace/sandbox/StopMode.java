package dev.millrace.sandbox;

import java.time.Duration;

/// How a running server is told to end.
public enum StopMode {
    /// Sessions are cut, what is in memory is written, the next start needs no recovery.
    FAST("INT", Duration.ofSeconds(20)),
    /// At once; the next start recovers from the WAL.
    IMMEDIATE("QUIT", Duration.ofSeconds(10));

    private final String signal;
    private final Duration atMost;

    StopMode(String signal, Duration atMost) {
        this.signal = signal;
        this.atMost = atMost;
    }

    String signal() {
        return signal;
    }

    Duration atMost() {
        return atMost;
    }
}
