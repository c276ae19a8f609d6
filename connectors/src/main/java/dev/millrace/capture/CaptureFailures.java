package dev.millrace.capture;

import dev.millrace.capture.SourceCapture.SourceConnections;
import dev.millrace.capture.position.PositionCodec.UnreadableChangeException;
import dev.millrace.kafka.TopicReader;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.Fault;
import dev.millrace.lifecycle.RepeatedFailures;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Decides what follows from the failure of a run: another run, or one of the states that end the
/// capture. Not thread-safe; confined to the capture's thread.
public final class CaptureFailures {

    private static final Logger LOG = LoggerFactory.getLogger(CaptureFailures.class);
    private static final Duration KAFKA_ANSWERS = Duration.ofSeconds(5);

    /// A failure that no server explains is tried so often while it makes no progress.
    private static final int UNEXPLAINED_LIMIT = 3;

    private static final int FENCE_LIMIT = 3;
    private static final Duration FENCES_WITHIN = Duration.ofMinutes(10);

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final InstantSource clock;
    private final SnapshotFailures snapshots;
    private final RepeatedFailures unexplained = new RepeatedFailures(UNEXPLAINED_LIMIT);
    private final List<Instant> fences = new ArrayList<>();

    CaptureFailures(
            CaptureSettings settings,
            SourceConnections connections,
            InstantSource clock,
            SnapshotFailures snapshots) {
        this.settings = settings;
        this.connections = connections;
        this.clock = clock;
        this.snapshots = snapshots;
    }

    /// What follows from the failure of a run.
    ///
    /// @param snapshot whether the run had begun to read the rows, and had not read them all
    /// @param moved whether the run wrote anything
    CaptureState judge(Throwable thrown, boolean snapshot, boolean moved) {
        Optional<String> unreadable = unreadable(thrown);
        if (unreadable.isPresent()) {
            return new CaptureState.Failed(unreadable.get(), clock.instant());
        }
        if (FailureClassifier.isFenced(thrown) && isFencedTooOften()) {
            return new CaptureState.Failed(
                    "another process takes over the log of this migration again and again: two services use one migration name on this Kafka. End the other one, or give it another name, then restart Millrace.",
                    clock.instant());
        }
        Failure failure = FailureClassifier.of(thrown);
        if (failure instanceof Failure.Unexplained) {
            LOG.atError()
                    .addKeyValue("migration", settings.migration())
                    .setCause(Fault.of(thrown))
                    .log("capture failed unexpectedly");
        }
        if (moved) {
            unexplained.clear();
        }
        if (snapshot && isRepeatedSnapshotFailure(failure, moved)) {
            return snapshotFailed(failure.reason());
        }
        return switch (failure) {
            case Failure.Recoverable waiting -> new CaptureState.Waiting(waiting, clock.instant());
            case Failure.Lost(String reason) ->
                    new CaptureState.SourceLost(reason, clock.instant());
            case Failure.Unexplained(String reason) ->
                    serversAnswer() && unexplained.isTooMany(failure)
                            ? new CaptureState.Failed(
                                    reason
                                            + ", "
                                            + UNEXPLAINED_LIMIT
                                            + " times in a row while source and Kafka answer. Remove the cause (the log has the place), then restart Millrace.",
                                    clock.instant())
                            : new CaptureState.Waiting(failure.waiting(), clock.instant());
        };
    }

    /// A privilege that is missing before the first row costs nothing to wait for; behind it, each
    /// attempt reads the rows again.
    private boolean isRepeatedSnapshotFailure(Failure failure, boolean moved) {
        boolean costly = moved || !(failure instanceof Failure.OperatorNeeded);
        return costly && serversAnswer() && snapshots.isRepeated(failure);
    }

    private CaptureState snapshotFailed(String reason) {
        return new CaptureState.Failed(
                "the snapshot failed twice for the same reason while source and Kafka answer: "
                        + reason
                        + ". Remove the cause, then restart Millrace: the snapshot begins again.",
                clock.instant());
    }

    /// @param found why the rows that were read are not those of the snapshot's point
    CaptureState interrupted(String found) {
        return snapshots.isRepeated(new Failure.Unexplained(found))
                ? snapshotFailed(found)
                : new CaptureState.SnapshotInterrupted(found, clock.instant());
    }

    /// Whether a failure of just now can't be the absence of a server.
    private boolean serversAnswer() {
        try (Connection _ = connections.open("capture")) {
            new PositionLog(
                            new TopicReader(settings.kafka(), KAFKA_ANSWERS),
                            settings.topics().position())
                    .requireAnswer();
            return true;
        } catch (SQLException | RuntimeException _) {
            return false;
        }
    }

    /// Two services that take the log from each other again and again both believe to own it.
    private boolean isFencedTooOften() {
        Instant now = clock.instant();
        fences.removeIf(fence -> Duration.between(fence, now).compareTo(FENCES_WITHIN) > 0);
        fences.add(now);
        return fences.size() >= FENCE_LIMIT;
    }

    private static Optional<String> unreadable(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnreadableChangeException unreadable) {
                return Optional.of(String.valueOf(unreadable.getMessage()));
            }
        }
        return Optional.empty();
    }

    /// Why snapshots of a migration failed, over all generations that one process begins. A second
    /// failure for the same reason is the last one. Kept in memory: a process that is started again
    /// is an operator's decision to try once more, and a failed snapshot never ends the process by
    /// itself. Thread-safe.
    public static final class SnapshotFailures {

        private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
        private static final int LONGEST = 6;

        private final RepeatedFailures failures = new RepeatedFailures(2);

        /// Counts a failure that neither server's absence explains.
        ///
        /// @return whether a snapshot failed for this reason before
        boolean isRepeated(Failure failure) {
            return failures.isTooMany(failure);
        }

        /// How long to wait before the next snapshot: doubles with each failure, up to a minute.
        Duration pause() {
            return FIRST_PAUSE.multipliedBy(
                    1L << Math.min(Math.max(failures.count() - 1, 0), LONGEST));
        }

        void succeeded() {
            failures.clear();
        }
    }
}
