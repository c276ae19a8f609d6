package dev.millrace.reconcile;

import dev.millrace.digest.TargetSnapshot;
import java.util.Optional;

/// Why a snapshot of the target may not be compared.
final class SnapshotPrecondition {

    private SnapshotPrecondition() {}

    static Optional<String> in(TargetSnapshot target, FencedRead.Seen<?> seen) {
        Optional<String> stopped = target.stopped();
        if (stopped.isPresent()) {
            return stopped.map(reason -> "the table is stopped: " + reason);
        }
        // Asked again in the very snapshot: a generation that began since then has stored nothing.
        return target.stored().reach(seen.ends().keySet(), seen.high())
                ? Optional.empty()
                : Optional.of("the target's stored positions don't reach the watermark");
    }
}
