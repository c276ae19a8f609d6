package dev.millrace.flow;

import dev.millrace.postgres.load.Reading;
import dev.millrace.spec.flow.StopCondition.Measure;
import java.time.Instant;

/// What stop conditions measure. Thread-safe.
@FunctionalInterface
interface FlowMetrics {

    /// The last value of a measure; unknown if it is too old.
    Reading read(Measure measure, Instant now);
}
