package dev.millrace.reconcile.pass;

import dev.millrace.change.RowKey;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.TableDigest;
import dev.millrace.digest.TableSnapshot;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.reconcile.FencedRead;
import dev.millrace.reconcile.KeyVerifier;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.SnapshotPrecondition;
import dev.millrace.reconcile.Suspect;
import dev.millrace.reconcile.TableReportBuilder;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;

/// Compares a table whose digests differ: first the rows of the differing buckets, then the
/// differing keys. If the buckets contain many rows, a finer digest of them comes first, so that a
/// table is scanned at most three times, whatever differs. A bucket or key that is equal is decided
/// at that moment; only a read of single keys finds a difference. Not thread-safe; used once.
final class TableReconciliation {

    private final ReconcileContext with;
    private final ComparedTable table;
    private final KeyVerifier verifier;
    private final TableReportBuilder builder;

    TableReconciliation(ReconcileContext with, ComparedTable table, TableReportBuilder builder) {
        this.with = with;
        this.table = table;
        this.builder = builder;
        this.verifier = new KeyVerifier(with, table, builder);
    }

    /// The bucket sums of both sides.
    private record Digests(int buckets, TableDigest source, TableDigest target) {

        SortedSet<Integer> differing() {
            return source.differing(target);
        }

        long rows(int number) {
            return source.bucket(number).rows() + target.bucket(number).rows();
        }

        long bytes(int number) {
            return source.keyBytes(number) + target.keyBytes(number);
        }
    }

    void compare(TableDigest source, TableDigest target) {
        Digests digests = new Digests(TableDigest.BUCKETS, source, target);
        addEqual(digests);
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
            addUncompared(coarse, differing);
            return;
        }
        Digests fine =
                new Digests(TableDigest.FINE_BUCKETS, read.get().source(), read.get().target());
        addEqual(fine);
        SortedSet<Integer> rest = fine.differing();
        Set<Integer> first = fitting(fine, rest);
        compareRows(fine, first);
        rest.removeAll(first);
        addUncompared(fine, rest);
        builder.notCompared(rest.stream().mapToLong(fine::rows).sum());
    }

    private void addEqual(Digests digests) {
        Set<Integer> differing = digests.differing();
        builder.rows(RowSum.NONE, RowSum.NONE);
        digests.source()
                .buckets()
                .forEach(
                        (number, rows) -> {
                            if (!differing.contains(number)) {
                                builder.rows(rows, rows);
                            }
                        });
    }

    /// The first buckets, as many as the limits permit.
    private Set<Integer> fitting(Digests digests, SortedSet<Integer> buckets) {
        Set<Integer> fitting = new TreeSet<>();
        long rows = 0;
        long bytes = 0;
        for (int number : buckets) {
            rows += digests.rows(number);
            bytes += digests.bytes(number);
            if (rows > with.limits().rows() || bytes > with.limits().bytes()) {
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
            addUncompared(digests, numbers);
        } else {
            verifier.verify(suspects(read.get().source(), read.get().target()));
        }
    }

    private record Both<T>(T source, T target) {}

    /// Reads both sides.
    ///
    /// @return empty when they cannot be compared; the table is undecided then
    private <T> Optional<Both<T>> read(Function<TableSnapshot, T> query) {
        return switch (with.sourceReader().read(source -> query.apply(source.table(table)))) {
            case FencedRead.Failed<T>(String why) -> {
                builder.undecided(0, why);
                yield Optional.empty();
            }
            case FencedRead.Fenced<T> fenced -> {
                try (TargetSnapshot target = with.chunker().openTarget(table)) {
                    Optional<String> violation = SnapshotPrecondition.violation(target, fenced);
                    violation.ifPresent(why -> builder.undecided(0, why));
                    yield violation.isPresent()
                            ? Optional.empty()
                            : Optional.of(new Both<>(fenced.source(), query.apply(target)));
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
                builder.rows(suspect.source(), suspect.target());
            } else {
                suspects.add(suspect);
            }
        }
        return suspects;
    }

    private void addUncompared(Digests digests, Set<Integer> numbers) {
        numbers.forEach(
                number ->
                        builder.rows(
                                digests.source().bucket(number), digests.target().bucket(number)));
    }
}
