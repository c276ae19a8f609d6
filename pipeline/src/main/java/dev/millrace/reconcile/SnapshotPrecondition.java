package dev.millrace.reconcile;

import dev.millrace.digest.TargetSnapshot;
import java.util.Optional;

/// Decides whether a snapshot of the target may be compared with a fenced read of the source: only
/// if the target has stored every change that this read shows, and lacks none that the stream lost.
/// Stateless.
public final class SnapshotPrecondition {

    private SnapshotPrecondition() {}

    /// @return why the snapshot may not be compared; empty when it may
    public static Optional<String> violation(TargetSnapshot target, FencedRead.Fenced<?> fenced) {
        Optional<String> stopped = target.stopped();
        if (stopped.isPresent()) {
            return stopped.map(reason -> "the table is stopped: " + reason);
        }
        Optional<String> lost = target.lost();
        if (lost.isPresent()) {
            return lost.map(reason -> "rows of the table are read again: " + reason);
        }
        // Checked in the snapshot itself: a generation that began meanwhile has stored nothing.
        return target.stored().reach(fenced.ends().keySet(), fenced.high())
                ? Optional.empty()
                : Optional.of(
                        "the snapshot of the target lacks changes that the source's read shows: they"
                                + " are not applied, or a new generation began meanwhile. Reconcile"
                                + " again");
    }
}
