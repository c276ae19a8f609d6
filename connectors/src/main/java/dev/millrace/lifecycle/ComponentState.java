package dev.millrace.lifecycle;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// The state of a long-running component. Only [Running] is healthy; every other state is shown to
/// the operator with its reason. Immutable.
///
/// ```
/// Starting ──▶ Running ──▶ Waiting ──▶ Running …
///     any of them ──▶ Failed or Stopped, which are final
/// ```
public sealed interface ComponentState {

    /// When the component entered this state. For [Waiting]: the first failure since it last ran.
    Instant since();

    /// What a running component does.
    enum Activity {
        /// Capture reads the rows that exist when a generation begins.
        SNAPSHOT("reading the existing rows"),
        /// Capture reads the write-ahead log.
        STREAMING("streaming"),
        /// The backfill reads rows beside the stream.
        BACKFILLING("running"),
        /// Indexes and foreign keys of target tables are dropped or created.
        INDEXING("running"),
        MAPPING("running"),
        APPLYING("applying"),
        /// An operator or a stop condition holds back what the component would do.
        PAUSED("paused"),
        /// A probe receives answers from its server.
        PROBING("answers");

        private final String text;

        Activity(String text) {
            this.text = text;
        }

        /// For the status.
        public String text() {
            return text;
        }
    }

    /// The first run has begun and has not reached its work.
    ///
    /// @param waitsFor what the start waits for, and what to do; empty if it waits for nothing.
    ///   Creating a replication slot waits for every transaction that runs on the source
    record Starting(Optional<String> waitsFor, Instant since) implements ComponentState {

        /// What a start waits for that transactions of others hold up.
        public static String transactions(List<String> found) {
            return String.join("; ", found) + ". End them, or wait until they end";
        }
    }

    record Running(Activity activity, Instant since) implements ComponentState {}

    /// A run failed; another one is tried, or is under way and has not reached its work. Nothing is
    /// lost: each run resumes where the last one committed.
    record Waiting(Failure.Recoverable failure, Instant since) implements ComponentState {

        public Waiting(String reason, Instant since) {
            this(new Failure.Retry(reason), since);
        }

        public String reason() {
            return failure.reason();
        }
    }

    /// The component has ended; this process does not start it again.
    record Failed(Failure.Terminal failure, Instant since) implements ComponentState {

        public String reason() {
            return failure.reason();
        }
    }

    /// The component was closed.
    record Stopped(Instant since) implements ComponentState {}

    default boolean isHealthy() {
        return this instanceof Running;
    }

    default boolean isRunning(Activity activity) {
        return this instanceof Running running && running.activity() == activity;
    }

    /// For the status.
    default String text() {
        return switch (this) {
            case Starting(Optional<String> waitsFor, Instant _) ->
                    waitsFor.map(found -> "starting: waits for " + found).orElse("starting");
            case Running(Activity activity, Instant _) -> activity.text();
            case Waiting(Failure.Recoverable failure, Instant _) -> failure.text();
            case Failed(Failure.Terminal failure, Instant _) -> failure.text();
            case Stopped _ -> "stopped";
        };
    }
}
