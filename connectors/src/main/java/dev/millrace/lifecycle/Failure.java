package dev.millrace.lifecycle;

/// What a failure means for the component in which it occurs. Every long-running component acts on
/// this value only. A reason names servers, objects and codes; it never quotes a row value.
/// Immutable.
public sealed interface Failure {

    String reason();

    /// The component waits and tries again.
    sealed interface Recoverable extends Failure {

        /// The reason with what to do, for the status.
        String text();

        /// The same failure with a reason that starts with the name of its server.
        Recoverable from(String server);
    }

    /// Passes without action: a server is unavailable or busy, a connection broke, a deadlock.
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

    /// Does not pass without an operator, but needs no restart after the operator has acted.
    ///
    /// @param remedy what to do, as an imperative sentence
    record OperatorNeeded(String reason, String remedy) implements Recoverable {

        @Override
        public String text() {
            return operatorText(reason, remedy);
        }

        @Override
        public OperatorNeeded from(String server) {
            return new OperatorNeeded(server + ": " + reason, remedy);
        }
    }

    /// Another process has taken over what this one writes to. Retried, because the other process
    /// may end; [RestartPolicy] ends the component when it happens repeatedly.
    ///
    /// @param remedy what to do, as an imperative sentence
    record TakenOver(String reason, String remedy) implements Recoverable {

        @Override
        public String text() {
            return operatorText(reason, remedy);
        }

        @Override
        public TakenOver from(String server) {
            return new TakenOver(server + ": " + reason, remedy);
        }
    }

    /// Ends the component. Never retried in this process.
    sealed interface Terminal extends Failure {

        /// The reason with what it means, for the status and the phase.
        String text();
    }

    /// What the component needs to continue exactly no longer exists.
    record Lost(String reason) implements Terminal {

        @Override
        public String text() {
            return "re-backfill required: " + reason;
        }
    }

    /// The rows of a snapshot cannot be completed: a new generation must begin.
    record SnapshotInterrupted(String reason) implements Terminal {

        @Override
        public String text() {
            return "the snapshot was interrupted, a new generation begins: " + reason;
        }
    }

    /// Another attempt would fail in the same way.
    record Fatal(String reason) implements Terminal {

        @Override
        public String text() {
            return "failed: " + reason;
        }
    }

    /// No state of a server explains it, so it may repeat on every attempt. [RestartPolicy] retries
    /// it a limited number of times.
    record Unexplained(String reason) implements Failure {}

    private static String operatorText(String reason, String remedy) {
        return "needs an operator: " + reason + ". " + remedy;
    }
}
