package dev.millrace.lifecycle;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The failures that keep the conductor of a migration from its next step, and the delay before it
/// tries again. Confined to the conductor's thread, except [#state].
public final class Hindrance {

    private static final Logger LOG = LoggerFactory.getLogger(Hindrance.class);

    private final String migration;
    private final InstantSource clock;
    private final RestartPolicy policy = RestartPolicy.standard();
    private RestartPolicy.History history = RestartPolicy.History.none();
    private Duration delay = Duration.ZERO;
    private volatile @Nullable ComponentState state;

    public Hindrance(String migration, InstantSource clock) {
        this.migration = migration;
        this.clock = clock;
    }

    /// @return why the step is not tried again, empty when it is
    public Optional<String> by(Throwable thrown) {
        RestartPolicy.Decision decision =
                policy.after(history, FailureClassifier.of(thrown), clock.instant());
        LOG.atWarn()
                .addKeyValue("migration", migration)
                .addKeyValue("reason", decision.state().text())
                .setCause(Fault.of(thrown))
                .log("the conductor could not take a step");
        history = decision.history();
        state = decision.state();
        if (decision.state() instanceof ComponentState.Failed failed) {
            // The conductor goes on to serve the failed migration.
            delay = policy.longest();
            return Optional.of(failed.reason());
        }
        delay = decision.delay();
        return Optional.empty();
    }

    /// The delay before the next step.
    public Duration delay() {
        return delay;
    }

    public void passed() {
        state = null;
        history = history.progressed();
    }

    /// Empty while nothing hinders the conductor.
    public Optional<ComponentState> state() {
        return Optional.ofNullable(state);
    }
}
