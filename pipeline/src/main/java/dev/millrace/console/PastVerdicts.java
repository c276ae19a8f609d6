package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.console.Tables.Verdict;
import dev.millrace.migration.MigrationControl;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/// What the last reports say about each table. A finished report never changes and can be large, so
/// it is read once. Thread-safe.
final class PastVerdicts {

    private final Map<UUID, Map<String, Found>> known = new HashMap<>();

    private record Found(String word, long differences) {

        static Found of(TableReport table) {
            return new Found(table.verdict().word(), table.differences());
        }
    }

    /// The last verdict about each table.
    Map<String, Verdict> last(MigrationControl control) {
        Map<String, Verdict> last = new HashMap<>();
        for (PastVerdict past : control.reconciliations()) {
            tables(control, past)
                    .forEach((table, found) -> last.putIfAbsent(table, verdict(past, found)));
        }
        return last;
    }

    /// The verdicts about a table, the newest first.
    List<Verdict> of(MigrationControl control, String table) {
        return control.reconciliations().stream()
                .flatMap(
                        past ->
                                Optional.ofNullable(tables(control, past).get(table))
                                        .map(found -> verdict(past, found))
                                        .stream())
                .toList();
    }

    private static Verdict verdict(PastVerdict past, Found found) {
        return new Verdict(
                found.word(),
                Figures.second(past.finishedAt().toString()),
                Figures.count(found.differences()),
                "/reconciliation?id=" + past.id(),
                "/api/v1/reconciliations/" + past.id() + "?format=html");
    }

    private synchronized Map<String, Found> tables(MigrationControl control, PastVerdict past) {
        return known.computeIfAbsent(past.id(), id -> read(control, id));
    }

    private static Map<String, Found> read(MigrationControl control, UUID id) {
        return control.reconciliation(id).orElse(null)
                        instanceof ReconciliationState.Finished(var report)
                ? report.tables().stream()
                        .collect(Collectors.toMap(TableReport::target, Found::of, (a, _) -> a))
                : Map.of();
    }
}
