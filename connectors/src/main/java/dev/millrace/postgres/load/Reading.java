package dev.millrace.postgres.load;

/// A value that was read, or why it is not known. What is not known is never zero. Immutable.
public sealed interface Reading {

    record Known(double value) implements Reading {}

    /// @param reason a clause for the operator, without a full stop
    record Unknown(String reason) implements Reading {}
}
