package dev.millrace.lifecycle;

import java.time.Duration;
import java.util.Optional;

/// What a [Supervisor] runs. Every method except [#stop] is called on the supervisor's thread.
public interface Component {

    /// One run. Returns only after [Supervisor#isStopping]; every other end is a failure. Reports
    /// what it reaches to the supervisor, from any thread.
    void run(Supervisor supervisor) throws Exception;

    /// What the failure of a run means.
    default Failure meaning(Throwable thrown) {
        return FailureClassifier.of(thrown);
    }

    /// Whether the servers of this component answer at this moment. An unexplained failure while
    /// one of them does not answer is retried without limit.
    default boolean serversAnswer() {
        return true;
    }

    /// The shortest delay before the next run, for a component whose attempts are expensive.
    default Duration shortestDelay() {
        return Duration.ZERO;
    }

    /// What forbids another run at this moment, if anything. Asked every second while it is
    /// present.
    default Optional<Failure.Recoverable> blocked() {
        return Optional.empty();
    }

    /// Asks a run to end. Called once, on the thread that closes the supervisor.
    ///
    /// @param thread the one that runs this component
    default void stop(Thread thread) throws InterruptedException {}
}
