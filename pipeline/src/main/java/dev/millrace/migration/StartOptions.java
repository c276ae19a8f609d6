package dev.millrace.migration;

import dev.millrace.replication.GenerationStart.LostLog;

/// How a migration starts. Immutable.
///
/// @param lostLog what happens if the log is lost
/// @param paused whether the first start waits for `resume all`: nothing is read for the backfill
///   and nothing is written to the target tables until then. A migration that has begun continues
///   as it was, so that a restart with the same options pauses nothing
public record StartOptions(LostLog lostLog, boolean paused) {

    public static final StartOptions STANDARD = new StartOptions(LostLog.REFUSED, false);
}
