package dev.millrace.capture.position;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Remembers which server and which position one process has seen, so that a later run of the
/// capture in the same process detects another server or a recreated topic. Between processes, the
/// generation's record in the control schema does this. Not thread-safe; used by one run at a time.
public final class SourceIdentityGuard {

    private @Nullable String history;
    private @Nullable SourcePosition lastWritten;

    /// @param now identifies the server and its timeline
    /// @throws SourceLostException if it differs from the first run's
    public void requireSameHistory(String now) {
        if (history == null) {
            history = now;
        }
        if (!now.equals(history)) {
            throw new SourceLostException(
                    "The source was replaced by another server, promoted or restored while Millrace was running.");
        }
    }

    /// Records a position that is in the log.
    public void recordWritten(SourcePosition position) {
        lastWritten = position;
    }

    /// @param read the last position in the log
    /// @throws SourceLostException if the log already contained a later position
    public void requireNotOlder(Optional<SourcePosition> read) {
        SourcePosition known = lastWritten;
        if (known == null || read.filter(position -> !isOlder(position, known)).isPresent()) {
            return;
        }
        throw new SourceLostException(
                "The position topic contains "
                        + read.map(position -> "position " + position.boundary())
                                .orElse("no position")
                        + ", but Millrace has written position "
                        + known.boundary()
                        + ": the topic was emptied or recreated.");
    }

    private static boolean isOlder(SourcePosition position, SourcePosition known) {
        return position.generation() < known.generation()
                || position.generation() == known.generation()
                        && (known.streaming() && !position.streaming()
                                || position.boundary().compareTo(known.boundary()) < 0
                                || position.boundary().equals(known.boundary())
                                        && position.openEvents() < known.openEvents());
    }
}
