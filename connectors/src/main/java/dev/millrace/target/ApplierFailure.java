package dev.millrace.target;

/// Ends the applier. The message names partitions, offsets and topics, holds no value of a row, and
/// is shown to the operator.
final class ApplierFailure extends IllegalStateException {

    private static final long serialVersionUID = 1L;

    ApplierFailure(String message) {
        super(message);
    }

    ApplierFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
