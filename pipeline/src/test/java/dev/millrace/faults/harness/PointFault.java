package dev.millrace.faults.harness;

import dev.millrace.lifecycle.PausePoint;
import java.util.List;
import java.util.Random;

/// What a child does at the given passage of a point.
///
/// @param passage 1 for the first time
/// @param inSync whether passages count only when both sides are in sync. A change that is lost
///   before is found again by the backfill if its row was not read yet
record PointFault(PausePoint point, int passage, Act act, boolean inSync) {

    enum Act {
        /// The process ends there: no hook runs, and the kernel closes its connections.
        KILL,

        /// The whole process is stopped there for a while.
        FREEZE,

        /// The thread waits there while the others go on.
        DELAY,

        /// The whole process is stopped there, its sessions are ended, another process takes over,
        /// and then it continues.
        TAKEOVER
    }

    /// Points that only a running backfill passes.
    private static final List<PausePoint> OF_BACKFILL =
            List.of(PausePoint.RANGE_READ, PausePoint.RANGE_HANDED_OVER);

    /// Points that few phases pass.
    private static final List<PausePoint> OF_JOURNAL =
            List.of(PausePoint.BEFORE_JOURNAL, PausePoint.AFTER_JOURNAL);

    private static final int MOST_PASSAGES = 6;

    static PointFault of(PausePoint point, Act act, Random random) {
        int most = OF_JOURNAL.contains(point) ? 1 : MOST_PASSAGES;
        return new PointFault(point, 1 + random.nextInt(most), act, false);
    }

    /// The same when both sides are in sync; of a point that is passed then.
    PointFault whenInSync() {
        return new PointFault(point, passage, act, isOfStreaming(point));
    }

    static boolean isOfStreaming(PausePoint point) {
        return order(point) == 2;
    }

    /// Points of the beginning of a migration come first; later no run would pass them.
    static int order(PausePoint point) {
        return OF_BACKFILL.contains(point) ? 0 : OF_JOURNAL.contains(point) ? 1 : 2;
    }

    @Override
    public String toString() {
        return act + " at " + point + ", passage " + passage + (inSync ? " in sync" : "");
    }
}
