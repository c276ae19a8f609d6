package dev.millrace.flow;

import dev.millrace.postgres.load.LoadReader.Reading;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/// How long commits took within the last half minute. A commit that waits for its reply takes at
/// least as long as it has taken until now. Pure; thread-safe.
final class CommitTimes {

    /// Commits within this time count.
    static final Duration WINDOW = Duration.ofSeconds(30);

    /// If the newest commit is older, the time of a commit is not known any more.
    static final Duration TOO_OLD = Duration.ofSeconds(5);

    private static final double PERCENTILE = 0.95;

    private record Commit(Duration time, Instant at) {}

    private final Deque<Commit> commits = new ArrayDeque<>();

    /// @param at when its reply came; not before those that were added earlier
    synchronized void add(Duration time, Instant at) {
        commits.addLast(new Commit(time, at));
        forget(at);
    }

    private void forget(Instant now) {
        while (!commits.isEmpty() && commits.getFirst().at().plus(WINDOW).isBefore(now)) {
            commits.removeFirst();
        }
    }

    /// The 95th percentile in seconds.
    ///
    /// @param waiting since when a commit waits for its reply
    /// @param otherwise why it is unknown if there is no commit
    synchronized Reading p95(Optional<Instant> waiting, Instant now, String otherwise) {
        forget(now);
        boolean isKnown =
                !commits.isEmpty()
                        && Duration.between(commits.getLast().at(), now).compareTo(TOO_OLD) <= 0;
        if (!isKnown && waiting.isEmpty()) {
            return new Reading.Unknown(otherwise);
        }
        Duration waits = waiting.map(since -> Duration.between(since, now)).orElse(Duration.ZERO);
        Duration slow = percentile();
        return new Reading.Known((waits.compareTo(slow) > 0 ? waits : slow).toNanos() / 1e9);
    }

    private Duration percentile() {
        if (commits.isEmpty()) {
            return Duration.ZERO;
        }
        List<Duration> times = commits.stream().map(Commit::time).sorted().toList();
        return times.get((int) Math.ceil(PERCENTILE * times.size()) - 1);
    }
}
