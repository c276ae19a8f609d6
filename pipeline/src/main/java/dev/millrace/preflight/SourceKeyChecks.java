package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import java.util.List;
import java.util.stream.Collectors;

/// Checks that the replica identity of each source table identifies its rows in the WAL.
final class SourceKeyChecks {

    private SourceKeyChecks() {}

    static List<Finding> replicaIdentity(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_REPLICA_IDENTITY);
        for (TableFacts table : facts.sourceTables()) {
            boolean carried = table.kind() == Kind.TABLE || table.kind() == Kind.PARTITIONED_TABLE;
            if (carried && table.keys().replica().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        withoutKey(table.keys())
                                + "; publishing the table would make the application's UPDATE"
                                + " and DELETE fail, or send rows without a key",
                        keyRemedy(table));
            }
            if (!table.columns().virtual().isEmpty() && logsWholeRows(table)) {
                findings.refuse(
                        table.id().toString(),
                        "has REPLICA IDENTITY FULL and the virtual generated columns "
                                + String.join(", ", table.columns().virtual())
                                + "; publishing the table would make the application's UPDATE"
                                + " and DELETE fail",
                        Remedy.onSource(identity(table.id(), "DEFAULT"))
                                .note("Alternatively, make the columns STORED."));
            }
            for (TableFacts.Partition leaf : table.partitions()) {
                if (!table.keys().replica().isEmpty()
                        && !leaf.keys().replica().equals(table.keys().replica())) {
                    findings.refuse(
                            leaf.id().toString(),
                            "is a partition of "
                                    + table.id()
                                    + " and has another replica identity than its root",
                            leafRemedy(table, leaf));
                }
            }
        }
        return findings.orOk("source tables", "each has a usable replica identity");
    }

    /// A leaf has the identity of its root if both are the primary key.
    private static Remedy leafRemedy(TableFacts root, TableFacts.Partition leaf) {
        return root.keys().replica().equals(root.keys().primaryKey())
                ? Remedy.onSource(identity(leaf.id(), "DEFAULT"))
                : Remedy.byHand(
                        "Give the partition the replica identity of its root: "
                                + identity(leaf.id(), "USING INDEX ..."));
    }

    private static boolean logsWholeRows(TableFacts table) {
        return table.keys().identity() == ReplicaIdentity.FULL
                || table.partitions().stream()
                        .anyMatch(leaf -> leaf.keys().identity() == ReplicaIdentity.FULL);
    }

    /// True when the table's WAL records contain stored generated columns.
    static boolean logsStoredColumns(TableFacts table) {
        return logsWholeRows(table) && !table.columns().stored().isEmpty();
    }

    private static String withoutKey(TableFacts.Keys keys) {
        return switch (keys.identity()) {
            case DEFAULT ->
                    keys.primaryKey().isEmpty()
                            ? "has no primary key"
                            : "has a deferrable primary key, which cannot be a replica identity";
            case FULL ->
                    keys.primaryKey().isEmpty()
                            ? "has REPLICA IDENTITY FULL and no primary key"
                            : "has a deferrable primary key, which cannot be a replica identity";
            case INDEX -> "has a replica identity whose index does not exist or is not usable";
            case NOTHING -> "has REPLICA IDENTITY NOTHING";
        };
    }

    private static String identity(TableId table, String identity) {
        return "ALTER TABLE " + Identifier.quote(table) + " REPLICA IDENTITY " + identity + ";";
    }

    private static Remedy keyRemedy(TableFacts table) {
        String name = Identifier.quote(table.id());
        boolean keyed = !table.keys().primaryKey().isEmpty();
        boolean identityAlone =
                table.keys().identity() == ReplicaIdentity.NOTHING
                        || table.keys().identity() == ReplicaIdentity.INDEX;
        if (keyed && identityAlone) {
            return Remedy.onSource(identity(table.id(), "DEFAULT"));
        }
        if (keyed) {
            String index = Identifier.quote(table.id().name() + "_identity");
            return Remedy.onSource(
                            "CREATE UNIQUE INDEX CONCURRENTLY "
                                    + index
                                    + " ON "
                                    + name
                                    + " ("
                                    + table.keys().primaryKey().stream()
                                            .map(column -> Identifier.quote(column))
                                            .collect(Collectors.joining(", "))
                                    + ");",
                            identity(table.id(), "USING INDEX " + index))
                    .note("An UPDATE that relies on the deferred check then fails.");
        }
        return Remedy.byHand(
                "Add the key that identifies a row: ALTER TABLE "
                        + name
                        + " ADD PRIMARY KEY (...); Alternatively, with a unique index over NOT NULL"
                        + " columns: "
                        + identity(table.id(), "USING INDEX ..."));
    }
}
