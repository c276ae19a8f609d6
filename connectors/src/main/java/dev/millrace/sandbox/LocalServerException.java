package dev.millrace.sandbox;

import org.jspecify.annotations.Nullable;

/// A server on this machine could not be started or stopped. The message says what, why and what to
/// do next, and may be shown to a user as it is.
public final class LocalServerException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public LocalServerException(String message) {
        this(message, null);
    }

    public LocalServerException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
