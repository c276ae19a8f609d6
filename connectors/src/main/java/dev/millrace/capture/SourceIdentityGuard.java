package dev.millrace.capture;

import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What one process has seen of source and log, so that a later run of the capture in the same
/// process can't take another world for the same one. Between processes the generation's record
/// says it. For one run at a time.
final class SourceIdentityGuard {

    private @Nullable String history;
    private @Nullable SourcePosition logged;

    /// @param now which server, and which history of it
    /// @throws SourceLostException when it isn't the one of the first run
    void requireSameHistory(String now) {
        if (history == null) {
            history = now;
        }
        if (!now.equals(history)) {
            throw new SourceLostException(
                    "the source is another server, or was promoted or restored, while this runs");
        }
    }

    /// A position that is known to be in the log.
    void logged(SourcePosition position) {
        logged = position;
    }

    /// @param read the last position in the log
    /// @throws SourceLostException when the log held a later one already
    void requireNotBehind(Optional<SourcePosition> read) {
        SourcePosition known = logged;
        if (known == null || read.filter(position -> !isBehind(position, known)).isPresent()) {
            return;
        }
        throw new SourceLostException(
                "the position topic holds "
                        + read.map(position -> position.boundary().toString()).orElse("nothing")
                        + ", where "
                        + known.boundary()
                        + " was written: it was emptied or made anew");
    }

    private static boolean isBehind(SourcePosition position, SourcePosition known) {
        return position.generation() < known.generation()
                || position.generation() == known.generation()
                        && (known.streaming() && !position.streaming()
                                || position.boundary().compareTo(known.boundary()) < 0
                                || position.boundary().equals(known.boundary())
                                        && position.openEvents() < known.openEvents());
    }
}
