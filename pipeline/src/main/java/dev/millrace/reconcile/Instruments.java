package dev.millrace.reconcile;

import dev.millrace.chunk.Chunker;
import dev.millrace.log.ChangeLog;

/// What the parts of one reconciliation work with.
record Instruments(
        Chunker chunker,
        Lookout lookout,
        Road road,
        ChangeLog log,
        ReconcileLimits limits,
        Cancellation cancellation) {}
