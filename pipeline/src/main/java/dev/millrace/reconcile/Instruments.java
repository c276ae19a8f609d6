package dev.millrace.reconcile;

import dev.millrace.chunk.Chunker;
import dev.millrace.log.ChangeLog;
import java.time.InstantSource;

/// What the parts of one reconciliation work with.
record Instruments(
        Chunker chunker,
        Lookout lookout,
        ChangeLog log,
        ReconcileLimits limits,
        InstantSource clock) {}
