package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.chunk.StoredPositions;
import dev.millrace.chunk.TargetSnapshot;
import dev.millrace.reconcile.LogJudgement.Decision;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Decides the keys that never rested by their images in the log. The stretch of the last look is
/// read first; where it doesn't hold a whole row, all of the log. One thread.
final class LogDecision {

    private static final int AT_MOST = 10_000;

    private static final String FROM_THE_LOG =
            "the key never rested; the target's row is not what its last change in the log gives";

    private final Look.Seen<KeyRead> seen;
    private final TargetSnapshot target;
    private final LogTrace trace;
    private final Tally tally;
    private final LogJudgement judgement;

    LogDecision(Look.Seen<KeyRead> seen, TargetSnapshot target, LogTrace trace, Tally tally) {
        this.seen = seen;
        this.target = target;
        this.trace = trace;
        this.tally = tally;
        this.judgement = new LogJudgement(trace.mapper(), target::canonical);
    }

    /// @param touched the keys with a change in the stretch of the look; the others are here
    ///   because a transaction was hidden from the source's read
    void decide(List<Suspect> moving, Set<RowKey> touched) {
        List<Suspect> some = moving.subList(0, Math.min(moving.size(), AT_MOST));
        moving.subList(some.size(), moving.size())
                .forEach(suspect -> leave(suspect, "more keys were in flight than can be decided"));
        StoredPositions stored = target.stored();
        Set<RowKey> keys = some.stream().map(Suspect::key).collect(Collectors.toSet());
        Map<RowKey, KeyHistory> histories =
                trace.histories(seen.ends(), target, stored, keys, seen.hidden());
        Set<RowKey> parts = new HashSet<>(keys);
        parts.removeIf(key -> history(histories, key).image().isWhole());
        Map<Integer, Long> begins = parts.isEmpty() ? Map.of() : trace.begins();
        if (!parts.isEmpty()) {
            histories.putAll(trace.histories(begins, target, stored, parts, seen.hidden()));
        }
        boolean whole = begins.values().stream().allMatch(offset -> offset == 0);
        Map<RowKey, Row> rows = target.rows(List.copyOf(keys));
        for (Suspect suspect : some) {
            KeyHistory history = history(histories, suspect.key());
            Row actual = rows.get(suspect.key());
            if (touched.contains(suspect.key()) || history.byHidden()) {
                settle(suspect, judgement.decide(history, storedOffset(stored, history), actual));
            } else if (whole) {
                // All of the log was read: the hidden transactions have not touched this key.
                Row expected = seen.source().rows().get(suspect.key());
                tally.rows(suspect.source(), suspect.target());
                tally.mismatch(
                        suspect.key(), KeyRound.found(suspect, expected, actual), KeyRound.AT_REST);
            } else {
                leave(suspect, "a transaction is in the log that the source doesn't show yet");
            }
        }
    }

    private void settle(Suspect suspect, Decision decision) {
        switch (decision) {
            case Decision.Same() -> tally.rows(suspect.target(), suspect.target());
            case Decision.Different(KeyDifference.Found found) -> {
                tally.rows(suspect.source(), suspect.target());
                tally.mismatch(suspect.key(), found, FROM_THE_LOG);
            }
            case Decision.Open(String why) -> leave(suspect, "a key never rested, and " + why);
        }
    }

    private void leave(Suspect suspect, String why) {
        tally.rows(suspect.source(), suspect.target());
        tally.undecided(1, why);
    }

    private static KeyHistory history(Map<RowKey, KeyHistory> histories, RowKey key) {
        return histories.getOrDefault(key, KeyHistory.NONE);
    }

    private static long storedOffset(StoredPositions stored, KeyHistory history) {
        StoredPositions.@Nullable Position position = stored.partitions().get(history.partition());
        return position == null ? -1 : position.token().changesOffset();
    }
}
