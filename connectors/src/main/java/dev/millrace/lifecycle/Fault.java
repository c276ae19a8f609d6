package dev.millrace.lifecycle;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/// What a log may show of a failure: the types of it and of its causes and where each arose. Of
/// their messages only those that [Reason] shows: the others may quote the values of a row.
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
