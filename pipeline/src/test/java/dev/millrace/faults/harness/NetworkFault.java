package dev.millrace.faults.harness;

import dev.millrace.testing.CutProxy.Wire;
import java.time.Duration;
import java.util.Random;

/// What happens to the connections of one edge for a while.
public enum NetworkFault {
    /// Every connection ends, and new ones are let through.
    CUT {
        @Override
        public void begin(Wire edge, Random random) {
            edge.cut();
        }
    },

    /// Every connection is reset: what is on its way is discarded.
    RESET {
        @Override
        public void begin(Wire edge, Random random) {
            edge.reset();
        }
    },

    /// No connection, old or new, reaches the server.
    UNREACHABLE {
        @Override
        public void begin(Wire edge, Random random) {
            edge.refuse();
        }
    },

    /// Nothing arrives in either direction, and no connection ends.
    HALF_OPEN {
        @Override
        public void begin(Wire edge, Random random) {
            edge.freeze();
        }
    },

    /// Every packet is late.
    LATENCY {
        @Override
        public void begin(Wire edge, Random random) {
            edge.delay(Duration.ofMillis(20 + random.nextInt(200)));
        }
    },

    BANDWIDTH {
        @Override
        public void begin(Wire edge, Random random) {
            edge.limit(64 << 10);
        }
    },

    /// A connection ends in the middle of a packet.
    BYTE_LIMIT {
        @Override
        public void begin(Wire edge, Random random) {
            edge.cutAfter(1 + random.nextInt(40_000));
        }
    };

    public abstract void begin(Wire edge, Random random);
}
