package dev.millrace.reconcile.touched;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.Chunker.SourceSession;
import dev.millrace.digest.Chunker.TargetSession;
import dev.millrace.digest.ComparedTables;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.FencedRead;
import dev.millrace.reconcile.KeyVerifier;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.SnapshotPrecondition;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.touched.TouchedReconciliation.Attempt;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// Compares touched keys while both sides are written: one fenced read finds them, a second one
/// compares them, and the keys that differ are read again as in every reconciliation. Not
/// thread-safe; used once.
final class TouchedPreparation {

    private final ReconcileContext with;
    private final Attempt attempt;

    TouchedPreparation(ReconcileContext with, Attempt attempt) {
        this.with = with;
        this.attempt = attempt;
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
            compare(open(tables));
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

    private void find(List<TouchedTable> tables, StartPosition since) {
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
                                        target.table(table.compared())
                                                .writtenSince(since.target(), table.mostRead()));
                                return true;
                            });
                    addLogged(open(tables), since, target);
                });
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
        each(
                open(tables),
                table -> {
                    new KeyVerifier(with, table.compared(), table.builder())
                            .verify(table.suspects());
                    return true;
                });
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
                    each(
                            open(tables),
                            table -> {
                                TargetSnapshot snapshot = target.table(table.compared());
                                SnapshotPrecondition.violation(snapshot, fenced)
                                        .ifPresent(table::undecided);
                                return true;
                            });
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
