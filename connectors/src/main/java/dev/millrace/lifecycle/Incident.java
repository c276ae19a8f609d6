package dev.millrace.lifecycle;

import java.util.UUID;
import org.slf4j.Logger;

/// An unexpected failure with a short id. The id and the type of the failure may be shown to every
/// user; the log contains the stack frames under the same id. Neither contains the failure's
/// message, which may quote row values. Immutable.
public record Incident(String id, String type) {

    /// Writes the failure to the log under a new id.
    ///
    /// @param what a constant text that says what failed
    public static Incident log(Logger log, String what, Throwable failure) {
        Incident incident =
                new Incident(
                        UUID.randomUUID().toString().substring(0, 8),
                        failure.getClass().getSimpleName());
        log.atError().addKeyValue("incident", incident.id()).setCause(Fault.of(failure)).log(what);
        return incident;
    }

    /// The message of the failure if it may be shown, otherwise the text of a new incident.
    public static String reason(Logger log, String what, Throwable failure) {
        return Reason.of(failure).orElseGet(() -> log(log, what, failure).text());
    }

    /// For a user.
    public String text() {
        return "Internal error: "
                + type
                + " (incident "
                + id
                + "; search the service's log for this id)";
    }
}
