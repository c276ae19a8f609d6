package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.SourceSnapshot;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.reconcile.ImageComparison.Decision;
import dev.millrace.reconcile.KeyHistories.KeyHistory;
import dev.millrace.reconcile.KeyHistories.KeyImage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Finds in the log why the listed keys of a table differ. It does not change a verdict. Reads the
/// log once, from its first record, which takes as long as the log is. Not thread-safe; used once.
///
/// Three rows decide: the one that the SELECT gives on the source, the target's, and the one that
/// the key's last change in the log gives. The last change was applied, because the target had
/// stored its position.
///
/// | the target has | the log has the source's row | cause |
/// |---|---|---|
/// | the row of the last change | yes | not told: the key was written meanwhile |
/// | the row of the last change | no | never captured; but if the source table has the row of the last change, the mapping gives another value than the SELECT |
/// | another row | no | as in the line before |
/// | an earlier row of the log | yes | applied and lost |
/// | a row that is not in the log | yes | written on the target by another program |
///
/// If the log has no change of the key, it was never captured, or if only the target has a row,
/// another program wrote it. If older records were deleted, this is not known.
public final class DifferenceCauses {

    private static final String NEVER_CAPTURED =
            "never captured: the log does not contain the row of the source";

    private static final String MAPPING =
            "the mapping gives another value than the SELECT for the row that the source table has";

    private static final String FOREIGN =
            "written on the target by another program: the log does not contain this row";

    private static final String GONE =
            "its last change was applied, and the row is gone: another program deleted it, or the"
                    + " target lost it";

    private static final String LOST =
            "applied and lost: the target has an earlier row of the log, for example after it was"
                    + " restored";

    private static final String OLDER =
            "unknown: the changes of this key are older than the log. Set kafka.retention to keep"
                    + " them longer";

    private final ReconcileContext with;
    private final ComparedTable table;
    private final TableReportBuilder builder;
    private final KeyChangeReader changes;

    public DifferenceCauses(
            ReconcileContext with, ComparedTable table, TableReportBuilder builder) {
        this.with = with;
        this.table = table;
        this.builder = builder;
        this.changes = new KeyChangeReader(with, table.mapping());
    }

    /// Replaces the cause of each listed key where the log tells it. A key that kept changing, or
    /// that an operator skipped, keeps its cause.
    public void explain() {
        List<RowKey> keys = builder.unexplained();
        if (keys.isEmpty()) {
            return;
        }
        FencedRead<SourceRows> read =
                with.sourceReader()
                        .read(
                                source ->
                                        SourceRows.of(
                                                source.table(table),
                                                keys,
                                                keys.size(),
                                                with.limits()));
        if (read instanceof FencedRead.Fenced<SourceRows> fenced) {
            try (TargetSnapshot target = with.chunker().openTarget(table)) {
                if (SnapshotPrecondition.violation(target, fenced).isEmpty()) {
                    explain(keys, fenced, target);
                }
            }
        }
    }

    private void explain(
            List<RowKey> keys, FencedRead.Fenced<SourceRows> fenced, TargetSnapshot target) {
        SourceRows ofTarget =
                new SourceRows(
                        target.sums(Chunk.Keys.of(keys)),
                        Set.copyOf(keys),
                        target.rows(keys, with.limits().bytes()));
        SourceImageMatcher source =
                new SourceImageMatcher(fenced.source(), changes.mapper(), target::canonicalRows);
        SourceImageMatcher earlier =
                new SourceImageMatcher(ofTarget, changes.mapper(), target::canonicalRows);
        KeyHistories histories =
                new KeyHistories(Set.copyOf(keys), fenced.hidden(), with.limits().bytes());
        Map<Integer, Long> begins = changes.begins();
        changes.read(begins, target, target.stored(), histories, List.of(source, earlier));
        boolean isWholeLog = changes.isComplete(begins);
        ImageComparison comparison = new ImageComparison(changes.mapper(), target::canonical);
        try (SourceSnapshot now = with.chunker().openSource(table)) {
            for (RowKey key : keys) {
                Found found =
                        new Found(
                                histories.of(key),
                                fenced.source().sums().containsKey(key),
                                source.isMatched(key),
                                ofTarget.sums().containsKey(key),
                                earlier.isMatched(key));
                if (fenced.source().isKnown(key) && ofTarget.isKnown(key)) {
                    Decision last = comparison.decide(found.history(), ofTarget.rows().get(key));
                    found.cause(last, isWholeLog, now).ifPresent(why -> builder.explain(key, why));
                }
            }
        }
    }

    /// What the log and both sides have of a key.
    ///
    /// @param onSource whether the SELECT gives a row
    /// @param sourceLogged whether the log contains what the SELECT gives
    /// @param onTarget whether the target has a row
    /// @param targetLogged whether the log contains what the target has
    private record Found(
            KeyHistory history,
            boolean onSource,
            boolean sourceLogged,
            boolean onTarget,
            boolean targetLogged) {

        Optional<String> cause(Decision last, boolean isWholeLog, SourceSnapshot now) {
            if (history.isDropped()) {
                return Optional.empty();
            }
            if (history.partition() < 0) {
                String why = onSource ? NEVER_CAPTURED : FOREIGN;
                return Optional.of(isWholeLog ? why : OLDER);
            }
            return switch (last) {
                case Decision.Same _ when sourceLogged -> Optional.empty();
                case Decision.Same _ -> Optional.of(ofSource(now));
                case Decision.Different _ when !sourceLogged -> Optional.of(ofSource(now));
                case Decision.Different _ ->
                        Optional.of(!onTarget ? GONE : targetLogged ? LOST : FOREIGN);
                case Decision.Inconclusive _ -> Optional.empty();
            };
        }

        private String ofSource(SourceSnapshot now) {
            boolean isSourceRow =
                    !sourceLogged
                            && history.image() instanceof KeyImage.Present(Row image)
                            && !image.isPartial()
                            && now.hasRow(image);
            return isSourceRow ? MAPPING : NEVER_CAPTURED;
        }
    }
}
