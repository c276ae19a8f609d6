package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.reconcile.ImageComparison.Decision;
import dev.millrace.reconcile.KeyHistories.KeyHistory;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Decides keys that kept changing by their images in the log. It decides a key only if the row
/// that the user's SELECT gave in the last read is among these images. It first reads the range of
/// the log since the first read of the keys; where that lacks a complete row, or the row of the
/// SELECT, it reads the whole log. Not thread-safe; used once.
final class LogDecision {

    static final int MAX_KEYS = 10_000;

    private static final String DIFFERS_FROM_LOG =
            "the key kept changing, and the target's row is not the row of its last change in the log";

    private static final String NOT_MATCHED =
            "no image of it in the log equals what the SELECT gives on the source, so the mapping or"
                    + " the decoding of a value may be wrong. Reconcile again while the table is idle";

    private static final String NOT_MATCHED_IN_REST =
            "the rest of the log contains no image of it that equals what the SELECT gives on the"
                    + " source";

    private static final String PARTLY_MATCHED =
            "the log contains only part of the row that the SELECT gives, and this part is equal";

    private static final String TOO_LARGE =
            "more or wider rows were in flight than can be decided from the log. Reconcile again"
                    + " while fewer rows are written";

    private final FencedRead.Fenced<SourceRows> fenced;
    private final TargetSnapshot target;
    private final KeyChangeReader changes;
    private final TableReportBuilder builder;
    private final ReconcileLimits limits;
    private final ImageComparison comparison;
    private final SourceImageMatcher matcher;

    LogDecision(
            FencedRead.Fenced<SourceRows> fenced,
            TargetSnapshot target,
            KeyChangeReader changes,
            TableReportBuilder builder,
            ReconcileLimits limits) {
        this.fenced = fenced;
        this.target = target;
        this.changes = changes;
        this.builder = builder;
        this.limits = limits;
        this.comparison = new ImageComparison(changes.mapper(), target::canonical);
        this.matcher =
                new SourceImageMatcher(fenced.source(), changes.mapper(), target::canonicalRows);
    }

    /// @param changing keys that still have changes in flight
    /// @param touched the keys with a change in the range of the last read; the others are among
    ///   `changing` because a transaction was hidden from the source's read
    /// @param since the ends of the changes topic before the first read of these keys
    void decide(List<Suspect> changing, Set<RowKey> touched, Map<Integer, Long> since) {
        Map<Boolean, List<Suspect>> byKnown =
                changing.stream()
                        .collect(
                                Collectors.partitioningBy(
                                        suspect -> fenced.source().isKnown(suspect.key())));
        List<Suspect> known = byKnown.getOrDefault(true, List.of());
        byKnown.getOrDefault(false, List.of())
                .forEach(suspect -> leaveUndecided(suspect, TOO_LARGE));
        StoredPositions stored = target.stored();
        Set<RowKey> keys = known.stream().map(Suspect::key).collect(Collectors.toSet());
        KeyHistories histories = new KeyHistories(keys, fenced.hidden(), limits.bytes());
        changes.read(since, target, stored, histories, List.of(matcher));
        Set<RowKey> incomplete = new HashSet<>(keys);
        incomplete.removeIf(key -> isDecisive(key, histories.of(key), touched));
        Map<Integer, Long> begins = incomplete.isEmpty() ? Map.of() : changes.begins();
        if (!incomplete.isEmpty()) {
            histories.readAgain(incomplete);
            changes.read(begins, target, stored, histories, List.of(matcher));
        }
        boolean isWholeLog = changes.isComplete(begins);
        Map<RowKey, Row> rows = target.rows(List.copyOf(keys), limits.bytes());
        for (Suspect suspect : known) {
            KeyHistory history = histories.of(suspect.key());
            Row actual = rows.get(suspect.key());
            boolean isUnread = actual == null && suspect.target().rows() > 0;
            if (isUnread || history.isDropped()) {
                leaveUndecided(suspect, TOO_LARGE);
            } else if (touched.contains(suspect.key()) || history.byHidden()) {
                Decision byLog = comparison.decide(history, actual);
                report(suspect, confirmed(suspect.key(), byLog, isWholeLog));
            } else if (isWholeLog) {
                // The whole log was read: the hidden transactions did not change this key.
                @Nullable Row expected =
                        suspect.needsSourceCells()
                                ? fenced.source().rows().get(suspect.key())
                                : null;
                @Nullable Row shown = suspect.needsTargetCells() ? actual : null;
                builder.rows(suspect.source(), suspect.target());
                builder.mismatch(
                        suspect.key(),
                        suspect.found(expected, shown),
                        KeyRecheck.NO_CHANGE_IN_FLIGHT,
                        expected,
                        shown);
            } else {
                leaveUndecided(
                        suspect,
                        "the log contains a transaction that is not visible on the source yet");
            }
        }
    }

    /// False when an older part of the log could add something about the key.
    private boolean isDecisive(RowKey key, KeyHistory history, Set<RowKey> touched) {
        return history.isDropped()
                || history.image().isComplete()
                        && matcher.isMatched(key)
                        && (touched.contains(key) || history.byHidden());
    }

    /// A decision by the log counts only if the log also contains the row that the SELECT gave.
    /// Otherwise a wrong mapping, which also wrote the target, would confirm itself.
    private Decision confirmed(RowKey key, Decision byLog, boolean isWholeLog) {
        if (!matcher.isPartlyMatched(key)) {
            return new Decision.Inconclusive(isWholeLog ? NOT_MATCHED : NOT_MATCHED_IN_REST);
        }
        return byLog instanceof Decision.Same && !matcher.isMatched(key)
                ? new Decision.Inconclusive(PARTLY_MATCHED)
                : byLog;
    }

    private void report(Suspect suspect, Decision decision) {
        switch (decision) {
            case Decision.Same() -> builder.fromLog(suspect.target());
            case Decision.Different(KeyDifference.Found found) -> {
                builder.rows(suspect.source(), suspect.target());
                builder.mismatch(suspect.key(), found, DIFFERS_FROM_LOG);
            }
            case Decision.Inconclusive(String why) ->
                    leaveUndecided(suspect, "a key kept changing, and " + why);
        }
    }

    private void leaveUndecided(Suspect suspect, String why) {
        builder.rows(suspect.source(), suspect.target());
        builder.undecided(1, why);
    }
}
