package dev.millrace.lifecycle;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/// What a log may show of a failure: the types and stack frames of the failure and its causes, and
/// only those messages that [Reason] shows, because the others may quote row values.
public final class Fault extends RuntimeException {

    @Serial private static final long serialVersionUID = 1L;

    private Fault(Throwable failure, @Nullable Fault cause) {
        super(headline(failure), cause, false, true);
        setStackTrace(failure.getStackTrace());
    }

    private static String headline(Throwable failure) {
        String message = Reason.shown(failure);
        String type = failure.getClass().getName();
        return failure instanceof Fault || message == null ? type : type + ": " + message;
    }

    public static Fault of(Throwable failure) {
        Throwable cause = failure.getCause();
        return new Fault(failure, cause == null ? null : of(cause));
    }
}
