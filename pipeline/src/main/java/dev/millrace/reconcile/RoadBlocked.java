package dev.millrace.reconcile;

/// Thrown by a [Road] that can't do what it is asked, for example because the source is away. The
/// message is for an operator and holds no secret and no value of a row.
public final class RoadBlocked extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public RoadBlocked(String message, Throwable cause) {
        super(message, cause);
    }
}
