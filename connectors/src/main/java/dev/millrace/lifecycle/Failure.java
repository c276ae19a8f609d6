package dev.millrace.lifecycle;

/// What a failure means for the component that met it. Every component that runs for long acts on
/// this and on nothing else. A reason names servers, objects and codes and holds no row value.
/// Immutable.
public sealed interface Failure {

    String reason();

    /// The component waits and tries again.
    sealed interface Recoverable extends Failure {

        /// The reason with what to do, for the status.
        String text();

        /// The same failure, whose reason begins with the server that it comes from.
        Recoverable from(String server);
    }

    /// Passes by itself: a server that is away or busy, a broken connection, a deadlock.
    record Retry(String reason) implements Recoverable {

        @Override
        public String text() {
            return "waiting: " + reason;
        }

        @Override
        public Retry from(String server) {
            return new Retry(server + ": " + reason);
        }
    }

    /// Does not pass by itself, but continues by itself once the operator has acted.
    ///
    /// @param remedy what to do, as an imperative sentence
    record OperatorNeeded(String reason, String remedy) implements Recoverable {

        @Override
        public String text() {
            return "needs an operator: " + reason + ". " + remedy;
        }

        @Override
        public OperatorNeeded from(String server) {
            return new OperatorNeeded(server + ": " + reason, remedy);
        }
    }

    /// What the component would need to continue exactly is gone. Never retried.
    record Lost(String reason) implements Failure {}

    /// No server explains it, so it may repeat for ever. Retried a few times, see
    /// [RepeatedFailures].
    record Unexplained(String reason) implements Failure {}

    /// The failure as the reason for a wait.
    default Recoverable waiting() {
        return switch (this) {
            case Recoverable recoverable -> recoverable;
            case Lost(String reason) -> new Retry(reason);
            case Unexplained(String reason) -> new Retry(reason);
        };
    }
}
