package dev.millrace.reconcile;

import dev.millrace.change.RowKey;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.TargetSnapshot;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Looks at single keys until each is settled. A key is different only if it differs and nothing
/// was under way for it: the log has no change of it between the ends noted before the source's
/// read and what the target had stored when it was read, and no transaction was hidden from that
/// read. What is under way is looked at again, and in the last round decided from the log. One
/// thread.
final class KeyVerifier {

    private final ReconcileContext with;
    private final ComparedTable table;
    private final KeyChangeReader trace;
    private final TableReportBuilder tally;

    /// Where the changes topic ended before the first look.
    private Map<Integer, Long> since = Map.of();

    KeyVerifier(ReconcileContext with, ComparedTable table, TableReportBuilder tally) {
        this.with = with;
        this.table = table;
        this.trace = new KeyChangeReader(with, table.mapping());
        this.tally = tally;
    }

    void judge(List<Suspect> suspects) {
        Set<RowKey> moved = new HashSet<>();
        List<Suspect> open = suspects;
        for (int round = 1; !open.isEmpty(); round++) {
            open = round(open, round >= with.limits().rounds(), moved);
        }
        tally.inFlight(moved.size());
    }

    /// What is still open afterwards; nothing after the last round.
    private List<Suspect> round(List<Suspect> open, boolean last, Set<RowKey> moved) {
        List<RowKey> keys = open.stream().map(Suspect::key).toList();
        int cells = last ? LogDecision.AT_MOST : ReconciliationReport.LISTED;
        FencedRead<SourceRows> look =
                with.lookout()
                        .look(
                                source ->
                                        SourceRows.of(
                                                source.table(table), keys, cells, with.limits()));
        switch (look) {
            case FencedRead.NotSeen<SourceRows>(String why) -> leave(open, why);
            case FencedRead.Seen<SourceRows> seen -> {
                since = since.isEmpty() ? seen.ends() : since;
                try (TargetSnapshot target = with.chunker().openTarget(table)) {
                    Optional<String> obstacle = SnapshotPrecondition.in(target, seen);
                    if (obstacle.isEmpty()) {
                        KeyRecheck round =
                                new KeyRecheck(seen, target, trace, tally, moved, with.limits());
                        return last ? round.settle(keys, since) : round.judge(keys);
                    }
                    leave(open, obstacle.get());
                }
            }
        }
        return List.of();
    }

    private void leave(List<Suspect> open, String why) {
        open.forEach(suspect -> tally.rows(suspect.source(), suspect.target()));
        tally.undecided(open.size(), why);
    }
}
