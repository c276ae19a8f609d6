package dev.millrace.service;

/// Carries what kept the migration from opening through the context's start.
final class OpeningFailed extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Exception reason;

    OpeningFailed(Exception reason) {
        super("the migration was not opened", reason);
        this.reason = reason;
    }

    Exception reason() {
        return reason;
    }
}
