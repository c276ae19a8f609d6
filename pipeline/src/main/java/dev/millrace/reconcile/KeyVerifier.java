package dev.millrace.reconcile;

import dev.millrace.change.RowKey;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.TargetSnapshot;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads single keys until each is decided. A key is different only if it differs and no change of
/// it was in flight: the log contains no change of it between the ends taken before the source's
/// read and the position stored in the target's snapshot, and no transaction was hidden from the
/// source's read. A key with changes in flight is read again, and in the last round decided from
/// the log. Not thread-safe; confined to the reconciliation's thread.
public final class KeyVerifier {

    private final ReconcileContext with;
    private final ComparedTable table;
    private final KeyChangeReader changes;
    private final TableReportBuilder builder;

    /// The ends of the changes topic before the first read.
    private Map<Integer, Long> since = Map.of();

    public KeyVerifier(ReconcileContext with, ComparedTable table, TableReportBuilder builder) {
        this.with = with;
        this.table = table;
        this.changes = new KeyChangeReader(with, table.mapping());
        this.builder = builder;
    }

    public void verify(List<Suspect> suspects) {
        Set<RowKey> inFlight = new HashSet<>();
        List<Suspect> remaining = suspects;
        for (int round = 1; !remaining.isEmpty(); round++) {
            remaining = round(remaining, round >= with.limits().rounds(), inFlight);
        }
        builder.inFlight(inFlight.size());
    }

    /// @return the keys that remain undecided; none after the last round
    private List<Suspect> round(List<Suspect> suspects, boolean last, Set<RowKey> inFlight) {
        List<RowKey> keys = suspects.stream().map(Suspect::key).toList();
        int cells = last ? LogDecision.MAX_KEYS : ReconciliationReport.LISTED;
        FencedRead<SourceRows> read =
                with.sourceReader()
                        .read(
                                source ->
                                        SourceRows.of(
                                                source.table(table), keys, cells, with.limits()));
        switch (read) {
            case FencedRead.Failed<SourceRows>(String why) -> {
                leaveUndecided(suspects, why);
                builder.passing();
            }
            case FencedRead.Fenced<SourceRows> fenced -> {
                since = since.isEmpty() ? fenced.ends() : since;
                try (TargetSnapshot target = with.chunker().openTarget(table)) {
                    Optional<String> violation = SnapshotPrecondition.violation(target, fenced);
                    if (violation.isEmpty()) {
                        builder.rejected(target.rejected());
                        KeyRecheck recheck =
                                new KeyRecheck(
                                        fenced, target, changes, builder, inFlight, with.limits());
                        return last ? recheck.decideAll(keys, since) : recheck.decideIdle(keys);
                    }
                    leaveUndecided(suspects, violation.get());
                }
            }
        }
        return List.of();
    }

    private void leaveUndecided(List<Suspect> suspects, String why) {
        suspects.forEach(suspect -> builder.rows(suspect.source(), suspect.target()));
        builder.undecided(suspects.size(), why);
    }
}
