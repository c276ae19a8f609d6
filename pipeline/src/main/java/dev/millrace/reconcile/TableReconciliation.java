package dev.millrace.reconcile;

import dev.millrace.change.RowKey;
import dev.millrace.chunk.Chunk;
import dev.millrace.chunk.Chunker;
import dev.millrace.chunk.ComparedTable;
import dev.millrace.chunk.RowSum;
import dev.millrace.chunk.SourceSnapshot;
import dev.millrace.chunk.TableDigest;
import dev.millrace.chunk.TargetSnapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Compares one table, from the whole down to keys: the digest of all buckets, the rows of buckets
/// that differ, then the keys that differ. A bucket or a key that is equal is settled at its
/// moment; only a look at single keys calls anything different. One thread, used once.
final class TableReconciliation {

    /// Rows of both sides that are held at a time while buckets are compared row by row.
    private static final long ROWS_AT_A_TIME = 200_000;

    private final Chunker chunker;
    private final Lookout lookout;
    private final ComparedTable table;
    private final KeyJudge judge;
    private final Tally tally;
    private final Instant deadline;

    TableReconciliation(Instruments with, ComparedTable table, Tally tally) {
        this.chunker = with.chunker();
        this.lookout = with.lookout();
        this.table = table;
        this.tally = tally;
        this.deadline = with.clock().instant().plus(with.limits().perTable());
        this.judge = new KeyJudge(with, table, tally, deadline);
    }

    void run() {
        switch (lookout.look(table, deadline, SourceSnapshot::digest)) {
            case Look.NotSeen<TableDigest>(String why) -> tally.undecided(0, why);
            case Look.Seen<TableDigest> seen -> compare(seen);
        }
    }

    private void compare(Look.Seen<TableDigest> seen) {
        TableDigest source = seen.source();
        TableDigest target;
        try (TargetSnapshot snapshot = chunker.openTarget(table)) {
            target = snapshot.digest();
            Optional<String> obstacle = Obstacle.in(snapshot, seen);
            if (obstacle.isPresent()) {
                tally.rows(source.total(), target.total());
                tally.undecided(0, obstacle.get());
                return;
            }
        }
        Set<Integer> differing = source.differing(target);
        tally.rows(RowSum.NONE, RowSum.NONE);
        source.buckets()
                .forEach(
                        (number, rows) -> {
                            if (!differing.contains(number)) {
                                tally.rows(rows, rows);
                            }
                        });
        for (Set<Integer> group : groups(differing, source, target)) {
            compareRows(group, source, target);
        }
    }

    private static List<Set<Integer>> groups(
            Set<Integer> buckets, TableDigest source, TableDigest target) {
        List<Set<Integer>> groups = new ArrayList<>();
        Set<Integer> group = new TreeSet<>();
        long rows = 0;
        for (int number : buckets) {
            group.add(number);
            rows += source.bucket(number).rows() + target.bucket(number).rows();
            if (rows >= ROWS_AT_A_TIME) {
                groups.add(group);
                group = new TreeSet<>();
                rows = 0;
            }
        }
        if (!group.isEmpty()) {
            groups.add(group);
        }
        return groups;
    }

    private void compareRows(Set<Integer> group, TableDigest source, TableDigest target) {
        Chunk chunk = new Chunk.Buckets(group);
        switch (lookout.look(table, deadline, snapshot -> snapshot.sums(chunk))) {
            case Look.NotSeen<Map<RowKey, RowSum>>(String why) -> leave(group, source, target, why);
            case Look.Seen<Map<RowKey, RowSum>> seen -> {
                Map<RowKey, RowSum> rows;
                try (TargetSnapshot snapshot = chunker.openTarget(table)) {
                    Optional<String> obstacle = Obstacle.in(snapshot, seen);
                    if (obstacle.isPresent()) {
                        leave(group, source, target, obstacle.get());
                        return;
                    }
                    rows = snapshot.sums(chunk);
                }
                judge.judge(suspects(seen.source(), rows));
            }
        }
    }

    private List<Suspect> suspects(Map<RowKey, RowSum> source, Map<RowKey, RowSum> target) {
        Set<RowKey> keys = new LinkedHashSet<>(source.keySet());
        keys.addAll(target.keySet());
        List<Suspect> suspects = new ArrayList<>();
        for (RowKey key : keys) {
            Suspect suspect = Suspect.of(key, source, target);
            if (suspect.isEqual()) {
                tally.rows(suspect.source(), suspect.target());
            } else {
                suspects.add(suspect);
            }
        }
        return suspects;
    }

    private void leave(Set<Integer> group, TableDigest source, TableDigest target, String why) {
        group.forEach(number -> tally.rows(source.bucket(number), target.bucket(number)));
        tally.undecided(0, why);
    }
}
