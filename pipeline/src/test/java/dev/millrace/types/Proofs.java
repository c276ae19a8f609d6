package dev.millrace.types;

import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.types.TypeScene.Rows;
import dev.millrace.types.TypeScene.Way;
import dev.millrace.types.TypeTable.Type;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What the runs have proved: by which ways a type's values came to the target unchanged, on every
/// pair of servers. Not thread-safe.
final class Proofs {

    private static final int SHOWN = 300;

    /// What one run has proved of one type.
    private record Proof(Set<Way> exact) {}

    private final Map<Integer, List<Map<Backfill, Proof>>> byType = new TreeMap<>();
    private final List<String> differences = new ArrayList<>();
    private final Map<Integer, Integer> refusedValues = new TreeMap<>();
    private final Map<Integer, Integer> refusedKeys = new TreeMap<>();

    /// The older version of each pair.
    private final List<Integer> versions = new ArrayList<>();

    /// The plan has refused a column of the type.
    void refuseValue(Type type) {
        refusedValues.merge(type.number(), 1, Integer::sum);
    }

    /// The plan has refused a key of the type.
    void refuseKey(Type type) {
        refusedKeys.merge(type.number(), 1, Integer::sum);
    }

    /// A pair of servers was tried.
    void count(int version) {
        versions.add(version);
    }

    /// Whether the plan has refused the type on every pair of servers that has it.
    boolean isRefused(Type type) {
        return isAlways(type, refusedValues);
    }

    boolean isRefusedAsKey(Type type) {
        return isAlways(type, refusedKeys);
    }

    private boolean isAlways(Type type, Map<Integer, Integer> counts) {
        long having = having(type);
        return having > 0 && counts.getOrDefault(type.number(), 0) == having;
    }

    /// The number of pairs of servers that have the type.
    private long having(Type type) {
        return versions.stream().filter(version -> type.since() <= version).count();
    }

    List<String> differences() {
        return differences;
    }

    /// Compares one type after one run.
    ///
    /// @param atFirst both sides when the existing rows were on the target
    /// @param last both sides after all changes
    void judge(String run, Type type, Map<Backfill, Sides> atFirst, Map<Backfill, Sides> last) {
        Map<Backfill, Proof> proofs = new EnumMap<>(Backfill.class);
        atFirst.forEach(
                (backfill, first) -> {
                    Proof proof = new Proof(EnumSet.noneOf(Way.class));
                    String where = run + " " + backfill;
                    judge(where, type, Way.BACKFILL, first, proof);
                    Sides end = Sides.of(last, backfill);
                    EnumSet<Way> changes = required(type);
                    changes.removeAll(EnumSet.of(Way.BACKFILL, Way.DELETE));
                    changes.forEach(way -> judge(where, type, way, end, proof));
                    judgeDelete(where, type, first, end, proof);
                    proofs.put(backfill, proof);
                });
        byType.computeIfAbsent(type.number(), _ -> new ArrayList<>()).add(proofs);
    }

    private void judge(String where, Type type, Way way, Sides sides, Proof proof) {
        List<List<String>> from = sides.source().of(type, way);
        List<List<String>> to = sides.target().of(type, way);
        if (!from.isEmpty() && from.equals(to)) {
            proof.exact().add(way);
            return;
        }
        from.stream()
                .filter(row -> !to.contains(row))
                .forEach(row -> differ(where, type, way, "source only", row));
        to.stream()
                .filter(row -> !from.contains(row))
                .forEach(row -> differ(where, type, way, "target only", row));
    }

    private void judgeDelete(String where, Type type, Sides first, Sides end, Proof proof) {
        List<List<String>> from = first.source().of(type, Way.DELETE);
        boolean copied = !from.isEmpty() && first.target().of(type, Way.DELETE).equals(from);
        List<List<String>> left = end.target().of(type, Way.DELETE);
        if (copied && left.isEmpty() && end.source().of(type, Way.DELETE).isEmpty()) {
            proof.exact().add(Way.DELETE);
        }
        left.forEach(row -> differ(where, type, Way.DELETE, "target only", row));
    }

    /// The table whose key has five columns.
    void judgeComposite(String run, Map<Backfill, Sides> last) {
        last.forEach(
                (backfill, sides) -> {
                    List<List<String>> from = sides.source().byTable().get(TypeScene.FIVE);
                    List<List<String>> to = sides.target().byTable().get(TypeScene.FIVE);
                    if (from == null || from.isEmpty() || !from.equals(to)) {
                        differences.add(run + " " + backfill + ", composite key: " + to);
                    }
                });
    }

    /// Reconciliation finds what this test finds.
    void judgeVerdicts(String run, Map<Backfill, ReconciliationReport> reports) {
        reports.forEach(
                (backfill, report) -> {
                    if (report.verdict() != Verdict.EQUAL) {
                        differences.add(run + " " + backfill + ", verdict: " + report.verdict());
                    }
                });
    }

    private void differ(String where, Type type, Way way, String side, List<String> row) {
        String text = row.toString();
        differences.add(
                "%s, %s, %s, %s: %s"
                        .formatted(
                                where,
                                type.sql(),
                                way.text,
                                side,
                                text.substring(0, Math.min(text.length(), SHOWN))));
    }

    /// Whether every run that had the type carried its values unchanged by every way.
    boolean isExact(Type type) {
        List<Map<Backfill, Proof>> runs = byType.getOrDefault(type.number(), List.of());
        return !runs.isEmpty()
                && runs.size() == having(type)
                && runs.stream()
                        .allMatch(
                                run ->
                                        List.of(Backfill.values()).stream()
                                                .map(run::get)
                                                .allMatch(proof -> isExact(type, proof)));
    }

    private static boolean isExact(Type type, @Nullable Proof proof) {
        return proof != null && proof.exact().containsAll(required(type));
    }

    /// The ways by which a type's values can come.
    private static EnumSet<Way> required(Type type) {
        EnumSet<Way> required = EnumSet.allOf(Way.class);
        if (!type.key()) {
            required.remove(Way.KEY);
        }
        if (type.large().isEmpty()) {
            required.remove(Way.UNCHANGED);
            required.remove(Way.REKEYED);
        }
        return required;
    }

    /// The rows of both sides at one moment.
    record Sides(Rows source, Rows target) {

        static Sides of(Map<Backfill, Sides> sides, Backfill backfill) {
            Sides found = sides.get(backfill);
            if (found == null) {
                throw new IllegalStateException("no rows of " + backfill);
            }
            return found;
        }
    }
}
