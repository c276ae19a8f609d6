package dev.millrace.fault;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/// What a log may show of an unexpected failure: the kinds of it and of its causes and where each
/// arose. Their messages are left out, because they may quote the values of a row.
public final class Fault extends RuntimeException {

    @Serial private static final long serialVersionUID = 1L;

    private Fault(Throwable failure, @Nullable Fault cause) {
        super(failure.getClass().getName(), cause, false, true);
        setStackTrace(failure.getStackTrace());
    }

    public static Fault of(Throwable failure) {
        Throwable cause = failure.getCause();
        return new Fault(failure, cause == null ? null : of(cause));
    }
}
