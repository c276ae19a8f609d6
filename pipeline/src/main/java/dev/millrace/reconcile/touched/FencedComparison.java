package dev.millrace.reconcile.touched;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.digest.Chunker.SourceSession;
import dev.millrace.digest.Chunker.TargetSession;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TableSnapshot.Written;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.digest.TargetSnapshot.WrittenRows;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.FencedRead;
import dev.millrace.reconcile.KeyVerifier;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.SnapshotPrecondition;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.reconcile.touched.TouchedReconciliation.Attempt;
import dev.millrace.reconcile.touched.TouchedTable.Counts;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import java.util.function.LongPredicate;
import java.util.stream.Collectors;

/// Compares touched keys and numbers of rows under the fence, in one snapshot of each side. The
/// sides and the log are read at the same time. Not thread-safe; used once.
final class FencedComparison {

    private static final String NOT_FENCED =
            "the table changed while it was compared, although the source is fenced. Check that the"
                    + " fence covers every role that writes it";

    private final ReconcileContext with;
    private final Attempt attempt;
    private final WatermarkNumber applied;

    FencedComparison(ReconcileContext with, Attempt attempt, WatermarkNumber applied) {
        this.with = with;
        this.attempt = attempt;
        this.applied = applied;
    }

    /// @return the positions of both servers when everything was read; empty if unknown
    Optional<Servers> run(List<TouchedTable> tables, TouchedBasis.Usable basis) {
        StartPosition since = basis.start();
        TouchedPreparation.openAll(tables, with, attempt);
        // Before the snapshot: a transaction that is forgotten by now is visible to it.
        LongPredicate delivered = with.progress().delivered();
        try (SourceSession source = with.chunker().openSource();
                TargetSession target = with.chunker().openTarget()) {
            Set<Long> hidden =
                    source.running().ids().stream()
                            .filter(delivered::test)
                            .collect(Collectors.toSet());
            var fenced = new FencedRead.Fenced<>(true, since.changes(), hidden, applied);
            for (TouchedTable table : open(tables)) {
                step(table, () -> require(target.table(table.compared()), fenced, table));
            }
            read(open(tables), since, source, target);
        }
        for (TouchedTable table : open(tables)) {
            step(table, () -> verify(table));
        }
        return checkBasis(open(tables), basis);
    }

    /// Does the same reads while both sides are written. What they find is not a result.
    static void rehearse(
            List<TouchedTable> tables,
            TouchedBasis.Usable basis,
            ReconcileContext with,
            Attempt attempt) {
        FencedComparison comparison =
                new FencedComparison(
                        with, attempt, WatermarkNumber.none(basis.start().generation()));
        TouchedPreparation.openAll(tables, with, attempt);
        try (SourceSession source = with.chunker().openSource();
                TargetSession target = with.chunker().openTarget()) {
            comparison.read(open(tables), basis.start(), source, target);
        }
        comparison.checkBasis(open(tables), basis);
    }

    private void read(
            List<TouchedTable> tables,
            StartPosition since,
            SourceSession source,
            TargetSession target) {
        if (tables.isEmpty()) {
            return;
        }
        find(tables, since, source, target);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            oneByOne(threads, open(tables), table -> table.sums(source.table(table.compared())))
                    .forEach((table, sums) -> step(table, () -> compare(table, sums, target)));
        }
    }

    private static void compare(
            TouchedTable table, Future<Map<RowKey, RowSum>> ofSource, TargetSession target) {
        Map<RowKey, RowSum> ofTarget = table.sums(target.table(table.compared()));
        table.compare(Cancellation.result(ofSource), ofTarget);
    }

    /// Reads the tables of one side one after the other in one more thread: a session serves one at
    /// a time.
    static <T> Map<TouchedTable, Future<T>> oneByOne(
            ExecutorService threads, List<TouchedTable> tables, Function<TouchedTable, T> read) {
        Map<TouchedTable, FutureTask<T>> reads = new LinkedHashMap<>();
        for (TouchedTable table : tables) {
            reads.put(table, new FutureTask<>(() -> read.apply(table)));
        }
        threads.execute(() -> reads.values().forEach(FutureTask::run));
        return Collections.unmodifiableMap(reads);
    }

    private static List<TouchedTable> open(List<TouchedTable> tables) {
        return tables.stream().filter(TouchedTable::isOpen).toList();
    }

    private void step(TouchedTable table, Runnable work) {
        attempt.of(
                table,
                () -> {
                    work.run();
                    return true;
                },
                with.cancellation());
    }

    private static void require(
            TargetSnapshot target, FencedRead.Fenced<?> fenced, TouchedTable table) {
        SnapshotPrecondition.violation(target, fenced).ifPresent(table::undecided);
        if (!fenced.hidden().isEmpty()) {
            table.undecided("the log contains a transaction that is not visible on the source yet");
        }
    }

    /// Finds the touched keys and counts the rows.
    private void find(
            List<TouchedTable> tables,
            StartPosition since,
            SourceSession source,
            TargetSession target) {
        StoredPositions stored = target.table(tables.getFirst().compared()).stored();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<TouchedLog> log =
                    threads.submit(
                            () -> TouchedPreparation.log(with, tables, since.changes(), stored));
            oneByOne(threads, tables, table -> written(table, source, since))
                    .forEach(
                            (table, found) -> step(table, () -> find(table, since, found, target)));
            TouchedPreparation.add(open(tables), Cancellation.result(log));
        }
        for (TouchedTable table : open(tables)) {
            step(table, () -> table.canonicalize(target.table(table.compared())));
        }
    }

    static Written<Row> written(TouchedTable table, SourceSession source, StartPosition since) {
        return source.table(table.compared())
                .writtenSince(since.source(), table.source(), table.mostRead());
    }

    static WrittenRows written(TouchedTable table, TargetSession target, StartPosition since) {
        return target.table(table.compared()).writtenSince(since.target(), table.mostRead());
    }

    private static void find(
            TouchedTable table,
            StartPosition since,
            Future<Written<Row>> ofSource,
            TargetSession target) {
        WrittenRows onTarget = written(table, target, since);
        Written<Row> onSource = Cancellation.result(ofSource);
        table.addTargetRows(onTarget);
        table.addSourceRows(onSource.keys());
        table.count(new Counts(onSource.rows(), onTarget.written().rows(), false));
    }

    /// Reads again what differs. What is equal now was in flight, so the table is written.
    private void verify(TouchedTable table) {
        if (!table.suspects().isEmpty()) {
            new KeyVerifier(with, table.compared(), table.builder()).verify(table.suspects());
            if (table.builder().hasInFlight()) {
                table.undecided(NOT_FENCED);
            }
        } else if (table.counts().filter(Counts::differ).isPresent()) {
            switch (with.sourceReader().read(source -> source.table(table.compared()).count())) {
                case FencedRead.Failed<Long>(String why) -> table.undecided(why);
                case FencedRead.Fenced<Long> fenced -> countAgain(table, fenced);
            }
        }
    }

    private void countAgain(TouchedTable table, FencedRead.Fenced<Long> fenced) {
        try (TargetSnapshot target = with.chunker().openTarget(table.compared())) {
            Optional<String> violation = SnapshotPrecondition.violation(target, fenced);
            if (violation.isPresent()) {
                table.undecided(violation.get());
                return;
            }
            Mapping mapping = table.mapping();
            Counts again = new Counts(fenced.source(), target.count(), true);
            boolean touched =
                    TouchedLog.read(
                                    with.log(),
                                    fenced.ends(),
                                    target.stored(),
                                    List.of(mapping),
                                    1,
                                    with.cancellation())
                            .isTouched(mapping);
            if (touched || !fenced.hidden().isEmpty() || !again.differ()) {
                table.undecided(NOT_FENCED);
            } else {
                table.count(again);
            }
        }
    }

    /// Last, so that a table that was replaced while it was read is noticed.
    private Optional<Servers> checkBasis(List<TouchedTable> tables, TouchedBasis.Usable basis) {
        Optional<Servers> now =
                Servers.read(with.chunker(), tables.stream().map(TouchedTable::mapping).toList());
        for (TouchedTable table : tables) {
            now.map(positions -> basis.obstacle(table.mapping(), applied.generation(), positions))
                    .orElse(Optional.of("a server could not be read"))
                    .ifPresent(table::obstruct);
        }
        return now;
    }
}
