package dev.millrace.lifecycle;

import java.util.UUID;
import org.slf4j.Logger;

/// An unexpected failure under a short id. The id and the type of the failure may be shown to
/// anyone; under the same id the log has the frames. Neither has the failure's message, which may
/// quote the values of a row.
public record Incident(String id, String type) {

    /// Writes the failure to the log under a new id.
    ///
    /// @param what says in a fixed text what failed
    public static Incident log(Logger log, String what, Throwable failure) {
        Incident incident =
                new Incident(
                        UUID.randomUUID().toString().substring(0, 8),
                        failure.getClass().getSimpleName());
        log.atError().addKeyValue("incident", incident.id()).setCause(Fault.of(failure)).log(what);
        return incident;
    }

    /// The message of the failure where it may be shown, otherwise an incident's text.
    public static String reason(Logger log, String what, Throwable failure) {
        return Reason.of(failure).orElseGet(() -> log(log, what, failure).text());
    }

    /// What a user reads.
    public String text() {
        return "Internal error: "
                + type
                + " (incident "
                + id
                + "; the service's log shows under this id where it happened)";
    }
}
