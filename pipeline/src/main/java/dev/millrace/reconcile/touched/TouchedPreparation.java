package dev.millrace.reconcile.touched;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.Chunker.SourceSession;
import dev.millrace.digest.Chunker.TargetSession;
import dev.millrace.digest.ComparedTables;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TargetSnapshot;
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

/// Compares touched keys while both sides are written: one fenced read finds them, a second one
/// compares them, and the keys that differ are read again as in every reconciliation. Not
/// thread-safe; used once.
final class TouchedPreparation {

    /// More keys in flight are not looked up to be left out of the counts.
    private static final int MOST_IN_FLIGHT = 50_000;

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
            find(open(tables), usable.start());
            if (counts) {
                compareAndCount(open(tables));
            } else {
                compare(open(tables));
            }
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

    /// The target is scanned while the source is. A row that is written there afterwards is in the
    /// log, or the next comparison finds it, which looks for rows from before this scan on.
    private void find(List<TouchedTable> tables, StartPosition since) {
        if (tables.isEmpty()) {
            return;
        }
        try (TargetSession early = with.chunker().openTarget();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Map<TouchedTable, Future<List<RowKey>>> ofTarget =
                    FencedComparison.oneByOne(
                            threads,
                            tables,
                            table ->
                                    early.table(table.compared())
                                            .writtenSince(since.target(), table.mostRead()));
            fenced(
                    tables,
                    source ->
                            each(
                                    tables,
                                    table ->
                                            source.table(table.compared())
                                                    .writtenSince(
                                                            since.source(),
                                                            table.source(),
                                                            table.mostRead())),
                    (rows, target) -> {
                        each(
                                open(tables),
                                table -> {
                                    table.addSourceRows(rows.getOrDefault(table, List.<Row>of()));
                                    table.addTargetKeys(
                                            Cancellation.result(
                                                    Objects.requireNonNull(ofTarget.get(table))));
                                    return true;
                                });
                        addLogged(open(tables), since, target);
                    });
        }
    }

    private void addLogged(List<TouchedTable> tables, StartPosition since, TargetSession target) {
        if (tables.isEmpty()) {
            return;
        }
        StoredPositions stored = target.table(tables.getFirst().compared()).stored();
        try {
            add(tables, log(with, tables, since, stored));
        } catch (LogUnreadable _) {
            with.cancellation().check();
            tables.forEach(
                    table -> table.obstruct("the log since the last comparison cannot be read"));
        }
        each(
                open(tables),
                table -> {
                    table.canonicalize(target.table(table.compared()));
                    return true;
                });
    }

    static TouchedLog log(
            ReconcileContext with,
            Collection<TouchedTable> tables,
            StartPosition since,
            StoredPositions stored) {
        return TouchedLog.read(
                with.log(),
                since.changes(),
                stored,
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

    /// The source's snapshot remains open until the keys in flight are known.
    private void compareAndCount(List<TouchedTable> tables) {
        if (tables.isEmpty()) {
            return;
        }
        FencedRead<Boolean> read =
                with.sourceReader()
                        .compare(
                                source ->
                                        each(
                                                tables,
                                                table ->
                                                        table.sums(source.table(table.compared()))),
                                (source, fenced, _) -> {
                                    compareAndCount(open(tables), source, fenced);
                                    return true;
                                });
        if (read instanceof FencedRead.Failed<Boolean>(String why)) {
            tables.forEach(table -> table.undecided(why));
        }
    }

    /// Both sides are counted at the same time.
    private void compareAndCount(
            List<TouchedTable> tables,
            SourceSession source,
            FencedRead.Fenced<Map<TouchedTable, Map<RowKey, RowSum>>> fenced) {
        if (tables.isEmpty()) {
            return;
        }
        try (TargetSession target = with.chunker().openTarget()) {
            each(tables, table -> require(table, target, fenced));
            Map<TouchedTable, Future<Long>> ofSource;
            Map<TouchedTable, Long> ofTarget;
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                ofSource =
                        FencedComparison.oneByOne(
                                threads,
                                open(tables),
                                table -> source.table(table.compared()).count());
                ofTarget = each(open(tables), table -> compare(table, target, fenced));
            }
            TouchedLog inFlight =
                    TouchedLog.read(
                            with.log(),
                            fenced.ends(),
                            target.table(tables.getFirst().compared()).stored(),
                            tables.stream().map(TouchedTable::mapping).toList(),
                            MOST_IN_FLIGHT,
                            with.cancellation());
            each(
                    open(tables),
                    table -> {
                        long rows =
                                Cancellation.result(Objects.requireNonNull(ofSource.get(table)));
                        Counts counted =
                                new Counts(rows, Objects.requireNonNull(ofTarget.get(table)), true);
                        count(table, counted, source, target, inFlight);
                        return true;
                    });
        }
    }

    /// @return the number of rows of the target
    private static long compare(
            TouchedTable table,
            TargetSession session,
            FencedRead.Fenced<Map<TouchedTable, Map<RowKey, RowSum>>> fenced) {
        if (!fenced.hidden().isEmpty()) {
            table.undecided("the log contains a transaction that is not visible on the source yet");
        }
        TargetSnapshot target = session.table(table.compared());
        table.compare(fenced.source().getOrDefault(table, Map.of()), table.sums(target));
        return target.count();
    }

    /// The numbers of rows, each without the rows of keys that changed between the two snapshots.
    private static void count(
            TouchedTable table,
            Counts all,
            SourceSession source,
            TargetSession target,
            TouchedLog between) {
        List<RowKey> changed = List.copyOf(between.keys(table.mapping()));
        if (between.isTruncated(table.mapping()) || changed.size() >= MOST_IN_FLIGHT) {
            table.obstruct("more rows changed while they were counted than can be left out");
            return;
        }
        TargetSnapshot ofTarget = target.table(table.compared());
        Chunk.Keys keys = Chunk.Keys.of(ofTarget.canonical(changed).values());
        table.count(
                new Counts(
                        all.source() - source.table(table.compared()).sums(keys).size(),
                        all.target() - ofTarget.sums(keys).size(),
                        true));
    }

    /// Equal keys and unequal numbers mean that rows were deleted without a trace.
    private void verify(List<TouchedTable> tables) {
        each(
                tables,
                table -> {
                    new KeyVerifier(with, table.compared(), table.builder())
                            .verify(table.suspects());
                    if (table.builder().differences() == 0
                            && table.counts().filter(Counts::differ).isPresent()) {
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
