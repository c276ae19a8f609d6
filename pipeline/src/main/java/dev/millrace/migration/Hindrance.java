package dev.millrace.migration;

import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.Fault;
import dev.millrace.lifecycle.RepeatedFailures;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What keeps the conductor from its next step. The conductor's thread reports; any thread may ask.
final class Hindrance {

    private static final Logger LOG = LoggerFactory.getLogger(Hindrance.class);
    private static final int UNEXPLAINED_LIMIT = 5;

    private final String migration;
    private final InstantSource clock;
    private final RepeatedFailures unexplained = new RepeatedFailures(UNEXPLAINED_LIMIT);
    private volatile StatusReport.@Nullable Part part;

    Hindrance(String migration, InstantSource clock) {
        this.migration = migration;
        this.clock = clock;
    }

    /// @return why it is not tried again, empty when it is
    Optional<String> by(Throwable thrown) {
        Failure failure = FailureClassifier.of(thrown);
        LOG.atWarn()
                .addKeyValue("migration", migration)
                .addKeyValue("reason", failure.reason())
                .setCause(Fault.of(thrown))
                .log("the conductor could not take a step and tries again");
        StatusReport.Part before = part;
        part =
                new StatusReport.Part(
                        "conductor",
                        failure.waiting().text(),
                        false,
                        before == null ? clock.instant() : before.since());
        return failure instanceof Failure.Unexplained && unexplained.isTooMany(failure)
                ? Optional.of(failure.reason() + ". Remove the cause, then restart Millrace.")
                : Optional.empty();
    }

    void passed() {
        part = null;
        unexplained.clear();
    }

    Optional<StatusReport.Part> part() {
        return Optional.ofNullable(part);
    }
}
