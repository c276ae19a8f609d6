package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.reconcile.KeyChangeReader.KeyHistory;
import dev.millrace.reconcile.LogJudgement.Decision;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Decides the keys that never rested by their images in the log: of those alone whose row, as the
/// user's SELECT gave it in the last look, is among them. The stretch of all looks is read first;
/// where it doesn't hold a whole row or that one, all of the log. One thread.
final class LogDecision {

    static final int AT_MOST = 10_000;

    private static final String FROM_THE_LOG =
            "the key never rested; the target's row is not what its last change in the log gives";

    private static final String NOT_BORNE_OUT =
            "no image of it in the log is what the SELECT gives on the source: the mapping or the"
                    + " reading of a value may be wrong; reconcile while nothing writes";

    private static final String NO_LONGER_THERE =
            "what is left of the log holds no image of it that is what the SELECT gives on the"
                    + " source";

    private static final String IN_PART =
            "the log holds only part of the row that the SELECT gives, and that part agrees";

    private static final String TOO_MANY =
            "more or wider rows were in flight than can be decided from the log: reconcile while"
                    + " fewer are written";

    private final FencedRead.Seen<SourceRows> seen;
    private final TargetSnapshot target;
    private final KeyChangeReader trace;
    private final TableReportBuilder tally;
    private final ReconcileLimits limits;
    private final LogJudgement judgement;
    private final SourceImageMatcher witness;

    LogDecision(
            FencedRead.Seen<SourceRows> seen,
            TargetSnapshot target,
            KeyChangeReader trace,
            TableReportBuilder tally,
            ReconcileLimits limits) {
        this.seen = seen;
        this.target = target;
        this.trace = trace;
        this.tally = tally;
        this.limits = limits;
        this.judgement = new LogJudgement(trace.mapper(), target::canonical);
        this.witness = new SourceImageMatcher(seen.source(), trace.mapper(), target::canonicalRows);
    }

    /// @param touched the keys with a change in the stretch of the look; the others are here
    ///   because a transaction was hidden from the source's read
    /// @param since where the changes topic ended before the first look at these keys
    void decide(List<Suspect> moving, Set<RowKey> touched, Map<Integer, Long> since) {
        Map<Boolean, List<Suspect>> parted =
                moving.stream()
                        .collect(
                                Collectors.partitioningBy(
                                        suspect -> seen.source().isKnown(suspect.key())));
        List<Suspect> some = parted.getOrDefault(true, List.of());
        parted.getOrDefault(false, List.of()).forEach(suspect -> leave(suspect, TOO_MANY));
        StoredPositions stored = target.stored();
        Set<RowKey> keys = some.stream().map(Suspect::key).collect(Collectors.toSet());
        Map<RowKey, KeyHistory> histories =
                trace.histories(since, target, stored, keys, seen.hidden(), witness);
        Set<RowKey> parts = new HashSet<>(keys);
        parts.removeIf(key -> isDecisive(key, history(histories, key), touched));
        Map<Integer, Long> begins = parts.isEmpty() ? Map.of() : trace.begins();
        if (!parts.isEmpty()) {
            histories.putAll(
                    trace.histories(begins, target, stored, parts, seen.hidden(), witness));
        }
        boolean whole = trace.isWhole(begins);
        Map<RowKey, Row> rows = target.rows(List.copyOf(keys), limits.characters());
        for (Suspect suspect : some) {
            KeyHistory history = history(histories, suspect.key());
            Row actual = rows.get(suspect.key());
            if (actual == null && suspect.target().rows() > 0) {
                leave(suspect, TOO_MANY);
            } else if (touched.contains(suspect.key()) || history.byHidden()) {
                Decision byLog = judgement.decide(history, storedOffset(stored, history), actual);
                settle(suspect, borneOut(suspect.key(), byLog, whole));
            } else if (whole) {
                // All of the log was read: the hidden transactions have not touched this key.
                Row expected = seen.source().rows().get(suspect.key());
                tally.rows(suspect.source(), suspect.target());
                tally.mismatch(
                        suspect.key(),
                        KeyRecheck.found(suspect, expected, actual),
                        KeyRecheck.AT_REST);
            } else {
                leave(suspect, "a transaction is in the log that the source doesn't show yet");
            }
        }
    }

    /// False when more of the log could tell more of the key.
    private boolean isDecisive(RowKey key, KeyHistory history, Set<RowKey> touched) {
        return history.image().isWhole()
                && witness.bearsOut(key)
                && (touched.contains(key) || history.byHidden());
    }

    /// What the log gives counts only where it also gives what the SELECT gave.
    private Decision borneOut(RowKey key, Decision byLog, boolean whole) {
        if (!witness.bearsOutInPart(key)) {
            return new Decision.Open(whole ? NOT_BORNE_OUT : NO_LONGER_THERE);
        }
        return byLog instanceof Decision.Same && !witness.bearsOut(key)
                ? new Decision.Open(IN_PART)
                : byLog;
    }

    private void settle(Suspect suspect, Decision decision) {
        switch (decision) {
            case Decision.Same() -> tally.fromLog(suspect.target());
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
