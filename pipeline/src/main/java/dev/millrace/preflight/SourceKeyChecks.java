package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Whether the log tells the rows of each source table apart, and carries of an update what the
/// mappings compute with: both hang on the table's replica identity.
final class SourceKeyChecks {

    private SourceKeyChecks() {}

    static List<Finding> replicaIdentity(Facts facts) {
        Findings findings = new Findings("source.replica-identity");
        for (TableFacts table : facts.sourceTables()) {
            boolean carried = table.kind() == Kind.TABLE || table.kind() == Kind.PARTITIONED_TABLE;
            if (carried && table.keys().replica().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        withoutKey(table.keys())
                                + "; publishing it would make the application's own UPDATE and"
                                + " DELETE fail, or leave us without a key",
                        keyRemedy(table));
            }
            for (TableFacts.Partition leaf : table.partitions()) {
                if (!table.keys().replica().isEmpty()
                        && !leaf.keys().replica().equals(table.keys().replica())) {
                    findings.refuse(
                            leaf.id().toString(),
                            "a partition of "
                                    + table.id()
                                    + " whose replica identity is not its root's",
                            "ALTER TABLE "
                                    + Identifier.quote(leaf.id())
                                    + " REPLICA IDENTITY DEFAULT;");
                }
            }
        }
        return findings.orOk("source tables", "each has a usable replica identity");
    }

    private static String withoutKey(TableFacts.Keys keys) {
        return switch (keys.identity()) {
            case DEFAULT ->
                    keys.primaryKey().isEmpty()
                            ? "has no primary key"
                            : "has a deferrable primary key, which can't tell rows apart";
            case FULL ->
                    keys.primaryKey().isEmpty()
                            ? "has REPLICA IDENTITY FULL and no primary key"
                            : "has a deferrable primary key, which can't tell rows apart";
            case INDEX -> "has a replica identity whose index is gone or not usable";
            case NOTHING -> "has REPLICA IDENTITY NOTHING";
        };
    }

    private static String keyRemedy(TableFacts table) {
        String name = Identifier.quote(table.id());
        boolean keyed = !table.keys().primaryKey().isEmpty();
        boolean identityAlone =
                table.keys().identity() == ReplicaIdentity.NOTHING
                        || table.keys().identity() == ReplicaIdentity.INDEX;
        if (keyed && identityAlone) {
            return "ALTER TABLE " + name + " REPLICA IDENTITY DEFAULT;";
        }
        return "ALTER TABLE "
                + name
                + " ADD PRIMARY KEY (...); or, with a unique index over columns that are NOT NULL:"
                + " ALTER TABLE "
                + name
                + " REPLICA IDENTITY USING INDEX ...;";
    }

    /// One finding a source table, whatever the number of targets made of it.
    static List<Finding> unchangedValues(Facts facts) {
        Findings findings = new Findings("source.unchanged-values");
        Map<TableId, Set<String>> computed = new LinkedHashMap<>();
        for (Facts.Pairing pairing : facts.tables()) {
            computed.computeIfAbsent(pairing.source().id(), _ -> new TreeSet<>())
                    .addAll(pairing.computed());
        }
        for (Map.Entry<TableId, Set<String>> entry : computed.entrySet()) {
            TableFacts table = facts.source().tables().get(entry.getKey());
            if (table != null && table.keys().identity() != ReplicaIdentity.FULL) {
                judgeUnchanged(findings, table, entry.getValue());
            }
        }
        return findings.orOk("source tables", "no expression needs a value that may be missing");
    }

    private static void judgeUnchanged(Findings findings, TableFacts table, Set<String> computed) {
        List<String> risky =
                table.columns().toastable().stream()
                        .filter(computed::contains)
                        .filter(column -> !table.keys().replica().contains(column))
                        .toList();
        if (!risky.isEmpty()) {
            findings.warn(
                    table.id().toString(),
                    "the SELECT computes with "
                            + String.join(", ", risky)
                            + ", which may be stored out of line: an UPDATE that leaves such a"
                            + " value alone doesn't carry it, and the table would stop",
                    "ALTER TABLE "
                            + Identifier.quote(table.id())
                            + " REPLICA IDENTITY FULL; if its values can exceed 2 kB (it makes"
                            + " the WAL of updates and deletes larger)");
        }
    }
}
