package dev.millrace.apply;

import java.time.Duration;
import java.util.Map;

/// What an applier must be told.
///
/// @param generation the one to apply: records of an older one are dropped, and the applier fails
///   when the stored offsets are of another
/// @param replicaRole what preflight relied on: no session writes without it
/// @param kafka client settings, at least `bootstrap.servers`
/// @param limits numbers with reasons; [Limits#standard] unless a test needs others
public record ApplierSettings(
        String migration,
        int generation,
        ReplicaRole replicaRole,
        Map<String, Object> kafka,
        Limits limits) {

    public ApplierSettings {
        kafka = Map.copyOf(kafka);
    }

    /// @param rows of one batch; a longer transaction gains nothing and delays the others
    /// @param bytes of one batch, and of what is read ahead for a partition
    /// @param writers sessions that write at the same time
    /// @param lockTimeout how long a lock is waited for before the transaction is begun again
    /// @param silence how long the target may be silent within a batch before a session counts as
    ///   broken: longer than the slowest batch, which would else be run again for ever
    /// @param idleMove how long stored offsets rest when only watermarks flow
    public record Limits(
            int rows,
            long bytes,
            int writers,
            Duration lockTimeout,
            Duration silence,
            Duration idleMove) {

        public Limits {
            if (rows < 1 || bytes < 1 || writers < 1) {
                throw new IllegalArgumentException(
                        "a batch has at least one row and one byte, and somebody writes it");
            }
        }

        public static Limits standard() {
            return new Limits(
                    10_000,
                    16L << 20,
                    2,
                    Duration.ofSeconds(5),
                    Duration.ofMinutes(10),
                    Duration.ofMillis(100));
        }
    }
}
