package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import dev.millrace.preflight.PreflightCheck.Findings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Warns of values that an UPDATE does not carry, because they are stored out of line (TOAST) and
/// stay as they are: where an expression computes with them, and where a copied one is needed for a
/// row that the target does not have under its key.
final class UnchangedValueCheck {

    /// More tables than this are counted, not named.
    private static final int NAMED = 10;

    /// What all mappings of one source table do with its columns.
    private record Use(Set<String> computed, Set<String> copied, Set<String> filtered) {

        Use() {
            this(new TreeSet<>(), new TreeSet<>(), new TreeSet<>());
        }

        void add(Facts.Pairing pairing) {
            computed.addAll(pairing.computed());
            (pairing.filtered() ? filtered : copied).addAll(pairing.copied());
        }
    }

    private UnchangedValueCheck() {}

    /// At most one finding of each kind for a source table, however many targets are made of it.
    static List<Finding> judge(Facts facts) {
        Findings findings = new Findings("source.unchanged-values");
        Map<TableId, Use> uses = new LinkedHashMap<>();
        facts.tables()
                .forEach(
                        pairing ->
                                uses.computeIfAbsent(pairing.source().id(), _ -> new Use())
                                        .add(pairing));
        List<String> copying = new ArrayList<>();
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
        return findings.orOk("source tables", "no change needs a value that may be missing");
    }

    private static void judge(Findings findings, List<String> copying, TableFacts table, Use use) {
        String computed = outOfLine(table, use.computed());
        if (!computed.isEmpty()) {
            findings.warn(
                    table.id().toString(),
                    "the SELECT computes with "
                            + computed
                            + ", which may be stored out of line: an UPDATE that leaves such a"
                            + " value alone doesn't carry it, and the table would stop",
                    remedy(table));
        }
        String filtered = outOfLine(table, use.filtered());
        String copied = outOfLine(table, use.copied());
        if (!filtered.isEmpty()) {
            findings.warn(
                    table.id().toString(),
                    "the SELECT has a WHERE and copies "
                            + filtered
                            + ", which may be stored out of line: an UPDATE that brings a row into"
                            + " the WHERE, or changes its key, and leaves such a value alone doesn't"
                            + " carry it, and the table would stop",
                    remedy(table));
        } else if (computed.isEmpty() && !copied.isEmpty()) {
            copying.add(table.id() + " (" + copied + ")");
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

    private static String remedy(TableFacts table) {
        return "ALTER TABLE "
                + Identifier.quote(table.id())
                + " REPLICA IDENTITY FULL; if its values can exceed 2 kB (it makes"
                + " the WAL of updates and deletes larger)";
    }

    private static void keyChanges(Findings findings, List<String> copying) {
        int more = copying.size() - NAMED;
        findings.warn(
                "source tables",
                "an UPDATE that changes the key of a row and leaves a value alone that is stored out of"
                        + " line doesn't carry it, and the table would stop: "
                        + String.join(", ", copying.subList(0, Math.min(NAMED, copying.size())))
                        + (more > 0 ? " and " + more + " more" : ""),
                "ALTER TABLE ... REPLICA IDENTITY FULL; where keys change and values can exceed 2 kB"
                        + " (it makes the WAL of updates and deletes larger)");
    }
}
