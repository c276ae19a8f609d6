package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Warns of values that an UPDATE does not send, because they are stored out of line (TOAST) and
/// did not change. Such a value is missing when an expression computes with it, and when it is
/// copied to a row whose key the target does not have yet. A key window reads the row then.
final class UnchangedValueCheck {

    /// Further tables are counted, not named.
    private static final int NAMED = 10;

    /// The use of one source table's columns by all mappings.
    private record Use(Set<String> computed, Set<String> copied, Set<String> filtered) {

        Use() {
            this(new TreeSet<>(), new TreeSet<>(), new TreeSet<>());
        }

        void add(CompiledTable table) {
            computed.addAll(table.computedColumns());
            (table.isFiltered() ? filtered : copied).addAll(table.copiedColumns());
        }
    }

    private UnchangedValueCheck() {}

    /// Reports at most one finding of each kind for a source table, however many targets it fills.
    static List<Finding> judge(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_UNCHANGED_VALUES);
        Map<TableId, Use> uses = new LinkedHashMap<>();
        facts.tables()
                .forEach(
                        table ->
                                uses.computeIfAbsent(table.source().id(), _ -> new Use())
                                        .add(table));
        Map<TableId, String> copying = new LinkedHashMap<>();
        uses.forEach(
                (id, use) -> {
                    TableFacts table = facts.source().tables().get(id);
                    if (table != null && table.keys().identity() != ReplicaIdentity.FULL) {
                        judge(findings, copying, table, use);
                    }
                });
        if (!copying.isEmpty()) {
            keyChanges(findings, copying);
        }
        return findings.orOk(
                "source tables", "no mapping needs a value that a change may not" + " contain");
    }

    private static void judge(
            Findings findings, Map<TableId, String> copying, TableFacts table, Use use) {
        String computed = outOfLine(table, use.computed());
        if (!computed.isEmpty()) {
            findings.warn(
                    table.id().toString(),
                    "the SELECT computes with "
                            + computed
                            + ", which may be stored out of line: an UPDATE that does not change"
                            + " such a value does not send it, and Millrace reads the row again",
                    remedy(table));
        }
        String filtered = outOfLine(table, use.filtered());
        String copied = outOfLine(table, use.copied());
        if (!filtered.isEmpty()) {
            findings.warn(
                    table.id().toString(),
                    "the SELECT has a WHERE and copies "
                            + filtered
                            + ", which may be stored out of line: an UPDATE that makes a row"
                            + " match the WHERE, or changes its key, but does not change"
                            + " such a value does not send it, and Millrace"
                            + " reads the row again",
                    remedy(table));
        } else if (computed.isEmpty() && !copied.isEmpty()) {
            copying.put(table.id(), table.id() + " (" + copied + ")");
        }
    }

    private static String outOfLine(TableFacts table, Set<String> used) {
        return String.join(
                ", ",
                table.columns().toastable().stream()
                        .filter(used::contains)
                        .filter(column -> !table.keys().replica().contains(column))
                        .toList());
    }

    private static Remedy remedy(TableFacts table) {
        return full(List.of(table.id()));
    }

    private static Remedy full(List<TableId> tables) {
        return Remedy.onSource(
                        tables.stream()
                                .map(
                                        table ->
                                                "ALTER TABLE "
                                                        + Identifier.quote(table)
                                                        + " REPLICA IDENTITY FULL;")
                                .toArray(String[]::new))
                .note(
                        "Needed only if many such updates delay the target; it increases the WAL of"
                                + " updates and deletes.");
    }

    private static void keyChanges(Findings findings, Map<TableId, String> copying) {
        int more = copying.size() - NAMED;
        findings.warn(
                "source tables",
                "an UPDATE that changes the key of a row does not send its unchanged values that"
                        + " are stored out of line, and Millrace reads the row again: "
                        + copying.values().stream().limit(NAMED).collect(Collectors.joining(", "))
                        + (more > 0 ? " and " + more + " more" : ""),
                full(copying.keySet().stream().toList()));
    }
}
