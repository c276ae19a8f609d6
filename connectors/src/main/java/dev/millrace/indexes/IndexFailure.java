package dev.millrace.indexes;

import dev.millrace.lifecycle.Failure;

/// Ends a run of [TargetIndexes] with a known meaning. Its message names objects and contains no
/// row value.
final class IndexFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient Failure failure;

    IndexFailure(Failure failure) {
        super(failure.reason());
        this.failure = failure;
    }

    IndexFailure(Failure failure, Throwable cause) {
        super(failure.reason(), cause);
        this.failure = failure;
    }

    Failure failure() {
        return failure;
    }
}
