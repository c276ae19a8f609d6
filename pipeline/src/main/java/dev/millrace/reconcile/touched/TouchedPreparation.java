package dev.millrace.reconcile.touched;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.digest.Chunker.SourceSession;
import dev.millrace.digest.Chunker.TargetSession;
import dev.millrace.digest.ComparedTables;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TableSnapshot.Written;
import dev.millrace.digest.TargetSnapshot.WrittenRows;
import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.FencedRead;
import dev.millrace.reconcile.KeyVerifier;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.SnapshotPrecondition;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.touched.TouchedReconciliation.Attempt;
import dev.millrace.reconcile.touched.TouchedTable.Counts;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/// Compares touched keys while both sides are written: one fenced read finds and compares them, and
/// the keys that differ are read again as in every reconciliation. Not thread-safe; used once.
final class TouchedPreparation {

    private final ReconcileContext with;
    private final Attempt attempt;
    private final boolean counts;

    /// @param counts whether rows are counted
    TouchedPreparation(ReconcileContext with, Attempt attempt, boolean counts) {
        this.with = with;
        this.attempt = attempt;
        this.counts = counts;
    }

    /// @return where it began; empty if this is not known exactly
    Optional<StartPosition> run(
            List<TouchedTable> tables, TouchedBasis basis, Reconciler reconciler) {
        List<Mapping> mappings = tables.stream().map(TouchedTable::mapping).toList();
        Optional<Servers> before = Servers.read(with.chunker(), mappings);
        if (before.isEmpty()) {
            tables.forEach(table -> table.undecided("a server could not be read"));
            return Optional.empty();
        }
        int generation = with.progress().emitWatermark().number().generation();
        for (TouchedTable table : tables) {
            basis.obstacle(table.mapping(), generation, before.get()).ifPresent(table::obstruct);
        }
        if (basis instanceof TouchedBasis.Usable usable) {
            openAll(tables, with, attempt);
            compareTouched(open(tables), usable.start());
            verify(open(tables));
        }
        Optional<StartPosition> start = with.sourceReader().start(before.get());
        List<TouchedTable> rest =
                tables.stream().filter(table -> table.obstacle().isPresent()).toList();
        if (rest.isEmpty()) {
            return start;
        }
        ReconciliationReport report =
                reconciler.reconcile(
                        rest.stream().map(TouchedTable::mapping).toList(), with.cancellation());
        with.cancellation().check();
        for (int i = 0; i < rest.size(); i++) {
            rest.get(i).allRows(report.tables().get(i));
        }
        return rest.size() == tables.size() ? Optional.ofNullable(report.start()) : start;
    }

    /// Compares the keys that the tables have.
    void check(List<TouchedTable> tables) {
        openAll(tables, with, attempt);
        compare(open(tables));
        verify(open(tables));
    }

    private static List<TouchedTable> open(List<TouchedTable> tables) {
        return tables.stream().filter(TouchedTable::isOpen).toList();
    }

    /// Reads the types of the columns.
    static void openAll(List<TouchedTable> tables, ReconcileContext with, Attempt attempt) {
        ComparedTables compared =
                with.chunker().tables(tables.stream().map(TouchedTable::mapping).toList());
        for (TouchedTable table : open(tables)) {
            attempt.of(table, () -> compared.table(table.mapping()), with.cancellation())
                    .ifPresent(table::open);
        }
    }

    /// Compares in two snapshots that are taken at about the same time, that of the target first,
    /// and that remain open until the touched keys are known. Both sides are scanned at the same
    /// time, and the log is read meanwhile. A row that is written on the target after its snapshot
    /// is in the log, or the next comparison finds it, which looks for rows from before on.
    private void compareTouched(List<TouchedTable> tables, StartPosition since) {
        if (tables.isEmpty()) {
            return;
        }
        try (TargetSession target = with.chunker().openTarget();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            StoredPositions shown = target.table(tables.getFirst().compared()).stored();
            Future<TouchedLog> log =
                    threads.submit(() -> log(with, tables, since.changes(), shown));
            Map<TouchedTable, Future<WrittenRows>> scans =
                    FencedComparison.oneByOne(
                            threads,
                            tables,
                            table -> FencedComparison.written(table, target, since));
            FencedRead<Boolean> read =
                    with.sourceReader()
                            .compare(
                                    source ->
                                            each(
                                                    tables,
                                                    table ->
                                                            FencedComparison.written(
                                                                    table, source, since)),
                                    (source, fenced, _) -> {
                                        Scanned scanned =
                                                new Scanned(
                                                        fenced.source(),
                                                        each(
                                                                tables,
                                                                table -> result(scans, table)));
                                        Optional<StoredPositions> reached =
                                                require(open(tables), target, fenced);
                                        if (reached.isPresent()) {
                                            add(open(tables), scanned);
                                            add(open(tables), log, shown, since, reached.get());
                                            compare(open(tables), scanned, source, target);
                                        }
                                        return true;
                                    });
            if (read instanceof FencedRead.Failed<Boolean>(String why)) {
                tables.forEach(table -> table.undecided(why));
            }
        }
    }

    /// What the scans found. A table is absent if it could not be read.
    private record Scanned(
            Map<TouchedTable, Written<Row>> source, Map<TouchedTable, WrittenRows> target) {

        Written<Row> ofSource(TouchedTable table) {
            return Objects.requireNonNull(source.get(table));
        }

        WrittenRows ofTarget(TouchedTable table) {
            return Objects.requireNonNull(target.get(table));
        }
    }

    private static WrittenRows result(
            Map<TouchedTable, Future<WrittenRows>> scans, TouchedTable table) {
        return Cancellation.result(Objects.requireNonNull(scans.get(table)));
    }

    /// Both snapshots of the target must be of the source's generation, and no table may lack
    /// changes in either. Only a later one, which is closed at once, shows what was applied since.
    ///
    /// @return what the target has stored now; empty if no table is left
    private Optional<StoredPositions> require(
            List<TouchedTable> tables, TargetSession early, FencedRead.Fenced<?> fenced) {
        if (tables.isEmpty()) {
            return Optional.empty();
        }
        var begun =
                new FencedRead.Fenced<>(
                        true,
                        fenced.ends(),
                        fenced.hidden(),
                        WatermarkNumber.none(fenced.high().generation()));
        try (TargetSession now = with.chunker().openTarget()) {
            each(tables, table -> require(table, early, begun));
            each(open(tables), table -> require(table, now, fenced));
            return open(tables).stream()
                    .findFirst()
                    .map(table -> now.table(table.compared()).stored());
        }
    }

    private void add(List<TouchedTable> tables, Scanned scanned) {
        for (TouchedTable table : tables) {
            table.addSourceRows(scanned.ofSource(table).keys());
            table.addTargetRows(scanned.ofTarget(table));
        }
    }

    /// Adds the keys that the log has, also those of changes that only the source's snapshot shows.
    ///
    /// @param shown by the target's snapshot: what `before` covers
    private void add(
            List<TouchedTable> tables,
            Future<TouchedLog> before,
            StoredPositions shown,
            StartPosition since,
            StoredPositions reached) {
        try {
            add(tables, Cancellation.result(before));
            add(tables, log(with, tables, shown.from(since.changes()), reached));
        } catch (LogUnreadable _) {
            with.cancellation().check();
            tables.forEach(
                    table -> table.obstruct("the log since the last comparison cannot be read"));
        }
    }

    static TouchedLog log(
            ReconcileContext with,
            Collection<TouchedTable> tables,
            Map<Integer, Long> from,
            StoredPositions to) {
        return TouchedLog.read(
                with.log(),
                from,
                to,
                tables.stream().map(TouchedTable::mapping).toList(),
                with.limits().rows() + 1,
                with.cancellation());
    }

    static void add(List<TouchedTable> tables, TouchedLog log) {
        for (TouchedTable table : tables) {
            if (log.isTruncated(table.mapping())) {
                table.obstruct("the source table was truncated since the last comparison");
            }
            log.keys(table.mapping()).forEach(table::addMapped);
        }
    }

    private void compare(List<TouchedTable> tables) {
        fenced(
                tables,
                source -> each(tables, table -> table.sums(source.table(table.compared()))),
                (sums, target) ->
                        each(
                                open(tables),
                                table -> {
                                    Map<RowKey, RowSum> ofTarget =
                                            table.sums(target.table(table.compared()));
                                    table.compare(sums.getOrDefault(table, Map.of()), ofTarget);
                                    return true;
                                }));
    }

    /// Both sides are read at the same time. A key of which a change is in flight is touched, and
    /// is not among the rows that are counted.
    private void compare(
            List<TouchedTable> tables,
            Scanned scanned,
            SourceSession source,
            TargetSession target) {
        each(
                tables,
                table -> {
                    table.canonicalize(target.table(table.compared()));
                    return true;
                });
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<TouchedTable> left = open(tables);
            Map<TouchedTable, Future<Map<RowKey, RowSum>>> sums =
                    FencedComparison.oneByOne(
                            threads, left, table -> table.sums(source.table(table.compared())));
            each(
                    left,
                    table -> {
                        Map<RowKey, RowSum> ofTarget = table.sums(target.table(table.compared()));
                        Map<RowKey, RowSum> ofSource =
                                Cancellation.result(Objects.requireNonNull(sums.get(table)));
                        table.compare(ofSource, ofTarget);
                        if (counts) {
                            Counts all =
                                    new Counts(
                                            scanned.ofSource(table).rows(),
                                            scanned.ofTarget(table).written().rows(),
                                            false);
                            table.countOthers(all, ofSource, ofTarget);
                        }
                        return true;
                    });
        }
    }

    /// Equal keys and unequal numbers mean that rows were deleted without a trace.
    private void verify(List<TouchedTable> tables) {
        each(
                tables,
                table -> {
                    new KeyVerifier(with, table.compared(), table.builder())
                            .verify(table.suspects());
                    if (table.builder().differences() == 0 && table.othersDiffer()) {
                        table.obstruct("the numbers of rows differ");
                    }
                    return true;
                });
    }

    private static boolean require(
            TouchedTable table, TargetSession target, FencedRead.Fenced<?> fenced) {
        SnapshotPrecondition.violation(target.table(table.compared()), fenced)
                .ifPresent(table::undecided);
        return true;
    }

    private interface TargetRead<S> {
        void run(Map<TouchedTable, S> ofSource, TargetSession target);
    }

    /// Reads the source between two watermarks and then the target.
    private <S> void fenced(
            List<TouchedTable> tables,
            Function<SourceSession, Map<TouchedTable, S>> ofSource,
            TargetRead<S> ofTarget) {
        if (tables.isEmpty()) {
            return;
        }
        switch (with.sourceReader().read(ofSource)) {
            case FencedRead.Failed<Map<TouchedTable, S>>(String why) ->
                    tables.forEach(table -> table.undecided(why));
            case FencedRead.Fenced<Map<TouchedTable, S>> fenced -> {
                try (TargetSession target = with.chunker().openTarget()) {
                    each(open(tables), table -> require(table, target, fenced));
                    ofTarget.run(fenced.source(), target);
                }
            }
        }
    }

    /// @return the results of the tables that could be read
    private <T> Map<TouchedTable, T> each(
            List<TouchedTable> tables, Function<TouchedTable, T> step) {
        Map<TouchedTable, T> results = new HashMap<>();
        for (TouchedTable table : tables) {
            attempt.of(table, () -> step.apply(table), with.cancellation())
                    .ifPresent(result -> results.put(table, result));
        }
        return results;
    }
}
