package dev.millrace.reconcile;

import dev.millrace.change.RowKey;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.TableDigest;
import dev.millrace.digest.TableSnapshot;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TargetSnapshot;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;

/// Compares a table whose digests differ: the rows of the buckets that differ, then the keys that
/// differ. Where those are many rows, a finer digest of the buckets comes first, so a table is
/// passed over three times at most, whatever differs. A bucket or a key that is equal is settled at
/// its moment; only a look at single keys calls anything different. One thread, used once.
final class TableReconciliation {

    private final ReconcileContext with;
    private final ComparedTable table;
    private final KeyVerifier judge;
    private final TableReportBuilder tally;

    TableReconciliation(ReconcileContext with, ComparedTable table, TableReportBuilder tally) {
        this.with = with;
        this.table = table;
        this.tally = tally;
        this.judge = new KeyVerifier(with, table, tally);
    }

    /// One side's bucket sums of what is compared.
    private record Digests(int buckets, TableDigest source, TableDigest target) {

        SortedSet<Integer> differing() {
            return source.differing(target);
        }

        long rows(int number) {
            return source.bucket(number).rows() + target.bucket(number).rows();
        }

        long characters(int number) {
            return source.keyCharacters(number) + target.keyCharacters(number);
        }
    }

    void compare(TableDigest source, TableDigest target) {
        Digests digests = new Digests(TableDigest.BUCKETS, source, target);
        settleEqual(digests);
        SortedSet<Integer> differing = digests.differing();
        if (fitting(digests, differing).size() == differing.size()) {
            compareRows(digests, differing);
        } else {
            refine(digests, differing);
        }
    }

    private void refine(Digests coarse, Set<Integer> differing) {
        Chunk.Buckets within = new Chunk.Buckets(coarse.buckets(), differing);
        Optional<Both<TableDigest>> read = read(snapshot -> snapshot.digest(within));
        if (read.isEmpty()) {
            leave(coarse, differing);
            return;
        }
        Digests fine =
                new Digests(TableDigest.FINE_BUCKETS, read.get().source(), read.get().target());
        settleEqual(fine);
        SortedSet<Integer> left = fine.differing();
        Set<Integer> some = fitting(fine, left);
        compareRows(fine, some);
        left.removeAll(some);
        leave(fine, left);
        tally.notCompared(left.stream().mapToLong(fine::rows).sum());
    }

    private void settleEqual(Digests digests) {
        Set<Integer> differing = digests.differing();
        tally.rows(RowSum.NONE, RowSum.NONE);
        digests.source()
                .buckets()
                .forEach(
                        (number, rows) -> {
                            if (!differing.contains(number)) {
                                tally.rows(rows, rows);
                            }
                        });
    }

    /// The first of the buckets, as many as may be held.
    private Set<Integer> fitting(Digests digests, SortedSet<Integer> buckets) {
        Set<Integer> fitting = new TreeSet<>();
        long rows = 0;
        long characters = 0;
        for (int number : buckets) {
            rows += digests.rows(number);
            characters += digests.characters(number);
            if (rows > with.limits().rows() || characters > with.limits().characters()) {
                break;
            }
            fitting.add(number);
        }
        return fitting;
    }

    private void compareRows(Digests digests, Set<Integer> numbers) {
        if (numbers.isEmpty()) {
            return;
        }
        Chunk.Buckets chunk = new Chunk.Buckets(digests.buckets(), numbers);
        Optional<Both<Map<RowKey, RowSum>>> read = read(snapshot -> snapshot.sums(chunk));
        if (read.isEmpty()) {
            leave(digests, numbers);
        } else {
            judge.judge(suspects(read.get().source(), read.get().target()));
        }
    }

    private record Both<T>(T source, T target) {}

    /// The same of both sides; empty when they can't be compared, which the tally knows.
    private <T> Optional<Both<T>> read(Function<TableSnapshot, T> question) {
        return switch (with.lookout().look(source -> question.apply(source.table(table)))) {
            case FencedRead.NotSeen<T>(String why) -> {
                tally.undecided(0, why);
                yield Optional.empty();
            }
            case FencedRead.Seen<T> seen -> {
                try (TargetSnapshot target = with.chunker().openTarget(table)) {
                    Optional<String> obstacle = SnapshotPrecondition.in(target, seen);
                    obstacle.ifPresent(why -> tally.undecided(0, why));
                    yield obstacle.isPresent()
                            ? Optional.empty()
                            : Optional.of(new Both<>(seen.source(), question.apply(target)));
                }
            }
        };
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

    private void leave(Digests digests, Set<Integer> numbers) {
        numbers.forEach(
                number ->
                        tally.rows(
                                digests.source().bucket(number), digests.target().bucket(number)));
    }
}
