package dev.millrace.apply;

import dev.millrace.lifecycle.Failure;
import java.time.Instant;

/// How the applier fares.
public sealed interface ApplierState {

    /// Changes are applied as they come.
    record Applying() implements ApplierState {}

    /// Something outside keeps it from applying; it tries again until that passes. Nothing is lost.
    record Waiting(Failure.Recoverable failure, Instant since) implements ApplierState {

        Waiting(String reason, Instant since) {
            this(new Failure.Retry(reason), since);
        }

        public String reason() {
            return failure.reason();
        }
    }

    /// It has ended and won't try again; `reason` says what to do.
    record Failed(String reason) implements ApplierState {}

    /// It was closed.
    record Closed() implements ApplierState {}
}
