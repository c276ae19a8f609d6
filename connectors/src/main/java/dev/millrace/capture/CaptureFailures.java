package dev.millrace.capture;

import dev.millrace.capture.CaptureRun.SnapshotInterruptedException;
import dev.millrace.capture.SourceCapture.SourceConnections;
import dev.millrace.capture.position.PositionCodec.UnreadableChangeException;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.kafka.TopicReader;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.RepeatedFailures;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;

/// Decides what the failure of a capture run means. Not thread-safe; confined to the thread of the
/// capture.
public final class CaptureFailures {

    private static final Duration KAFKA_ANSWERS = Duration.ofSeconds(5);

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final SnapshotFailures snapshots;

    /// Why the last run failed: the reason for the snapshot that the next run finds incomplete.
    private String lastReason = "Millrace ended while it read the rows";

    CaptureFailures(
            CaptureSettings settings, SourceConnections connections, SnapshotFailures snapshots) {
        this.settings = settings;
        this.connections = connections;
        this.snapshots = snapshots;
    }

    /// @param snapshot whether the run had begun to read the rows and had not read all of them
    /// @param moved whether the run wrote events
    Failure meaning(Throwable thrown, boolean snapshot, boolean moved) {
        Failure failure =
                switch (thrown) {
                    case SourceLostException lost ->
                            new Failure.Lost(String.valueOf(lost.getMessage()));
                    case SnapshotInterruptedException interrupted ->
                            snapshot
                                    ? interrupted(String.valueOf(interrupted.getMessage()))
                                    : new Failure.SnapshotInterrupted(lastReason);
                    default -> ofRun(thrown, snapshot, moved);
                };
        lastReason = failure.reason();
        return failure;
    }

    private Failure ofRun(Throwable thrown, boolean snapshot, boolean moved) {
        Optional<String> unreadable = unreadable(thrown);
        if (unreadable.isPresent()) {
            return new Failure.Fatal(unreadable.get());
        }
        Failure failure = FailureClassifier.of(thrown);
        return snapshot && isRepeatedSnapshotFailure(failure, moved)
                ? snapshotFailed(failure.reason())
                : failure;
    }

    /// Waiting for a missing privilege costs nothing before the first row; later, each attempt
    /// reads the rows again.
    private boolean isRepeatedSnapshotFailure(Failure failure, boolean moved) {
        boolean needsOperator =
                failure instanceof Failure.OperatorNeeded || failure instanceof Failure.TakenOver;
        return (moved || !needsOperator) && serversAnswer() && snapshots.isRepeated(failure);
    }

    private static Failure snapshotFailed(String reason) {
        return new Failure.Fatal(
                "the snapshot failed twice for the same reason while source and Kafka answer: "
                        + reason
                        + ". Remove the cause, then restart Millrace: the snapshot begins again.");
    }

    /// @param found why the rows that were read are not those of the snapshot's position
    private Failure interrupted(String found) {
        return snapshots.isRepeated(new Failure.Unexplained(found))
                ? snapshotFailed(found)
                : new Failure.SnapshotInterrupted(found);
    }

    /// Whether source and Kafka answer now, so that neither explains a failure.
    boolean serversAnswer() {
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

    private static Optional<String> unreadable(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnreadableChangeException unreadable) {
                return Optional.of(String.valueOf(unreadable.getMessage()));
            }
        }
        return Optional.empty();
    }

    /// Why snapshots of a migration failed, in all generations that this process begins. The second
    /// failure for the same reason ends the capture. Kept in memory only: a restart is an
    /// operator's decision to try again, and a failed snapshot never ends the process. Thread-safe.
    public static final class SnapshotFailures {

        private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
        private static final int MAX_DOUBLINGS = 6;

        private final RepeatedFailures failures = new RepeatedFailures(2);

        /// Counts a failure while both servers answer.
        ///
        /// @return whether an earlier snapshot failed for this reason
        boolean isRepeated(Failure failure) {
            return failures.isTooMany(failure);
        }

        /// The delay before the next snapshot: doubles with each failure, to about a minute.
        Duration pause() {
            return FIRST_PAUSE.multipliedBy(
                    1L << Math.min(Math.max(failures.count() - 1, 0), MAX_DOUBLINGS));
        }

        void succeeded() {
            failures.clear();
        }
    }
}
