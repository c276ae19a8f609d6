package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.postgres.TableFacts.Persistence;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import dev.millrace.select.Relation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Whether each source table can be captured without harm to the application.
final class SourceTableChecks {

    static final List<PreflightCheck> ALL =
            List.of(
                    SourceTableChecks::kind,
                    SourceTableChecks::columnNames,
                    SourceTableChecks::heirs,
                    SourceTableChecks::replicaIdentity,
                    SourceTableChecks::privileges,
                    SourceTableChecks::rowSecurity,
                    SourceTableChecks::publication,
                    SourceTableChecks::partitions,
                    SourceTableChecks::unchangedValues);

    private SourceTableChecks() {}

    private static List<TableFacts> tables(Facts facts) {
        return facts.sources().stream()
                .flatMap(id -> Stream.ofNullable(facts.source().tables().get(id)))
                .toList();
    }

    private static List<Finding> kind(Facts facts) {
        Findings findings = new Findings("source.table-kind");
        for (TableFacts table : tables(facts)) {
            judgeKind(findings, table);
        }
        return findings.orOk("source tables", "all are ordinary or partitioned tables");
    }

    private static void judgeKind(Findings findings, TableFacts table) {
        String object = table.id().toString();
        switch (table.kind()) {
            case VIEW, MATERIALIZED_VIEW ->
                    findings.refuse(
                            object,
                            "is a view: its changes are not in the log",
                            "write the SELECT over the tables beneath it");
            case FOREIGN_TABLE ->
                    findings.refuse(
                            object,
                            "is a foreign table: its changes are in another server's log",
                            "migrate it from the server that holds it");
            case TABLE, PARTITIONED_TABLE -> {
                table.root()
                        .ifPresent(
                                root ->
                                        findings.refuse(
                                                object,
                                                "is a partition: its rows travel under their root",
                                                "name " + root + " instead"));
                if (table.persistence() != Persistence.PERMANENT) {
                    findings.refuse(
                            object,
                            "is "
                                    + table.persistence().name().toLowerCase(Locale.ROOT)
                                    + ": its changes are not in the log",
                            "ALTER TABLE " + Identifier.quote(table.id()) + " SET LOGGED;");
                }
            }
        }
        table.partitions().stream()
                .filter(
                        leaf ->
                                leaf.kind() != Kind.TABLE
                                        || leaf.persistence() != Persistence.PERMANENT)
                .forEach(
                        leaf ->
                                findings.refuse(
                                        leaf.id().toString(),
                                        "is a partition of "
                                                + object
                                                + " whose changes are not in the log",
                                        "make it an ordinary logged table, or detach it"));
    }

    /// The capture finds columns by name without regard to case.
    private static List<Finding> columnNames(Facts facts) {
        Findings findings = new Findings("source.column-names");
        for (Relation source : facts.sourceRelations()) {
            Map<String, List<String>> names =
                    source.columns().stream()
                            .map(Relation.Column::name)
                            .collect(
                                    Collectors.groupingBy(
                                            name -> name.toLowerCase(Locale.ROOT),
                                            TreeMap::new,
                                            Collectors.toList()));
            names.values().stream()
                    .filter(same -> same.size() > 1)
                    .forEach(
                            same ->
                                    findings.refuse(
                                            source.id().toString(),
                                            "its columns "
                                                    + String.join(" and ", same)
                                                    + " differ by case only: their changes can't"
                                                    + " be told apart",
                                            "ALTER TABLE "
                                                    + Identifier.quote(source.id())
                                                    + " RENAME COLUMN "
                                                    + Identifier.quote(same.getLast())
                                                    + " TO ...;"));
        }
        return findings.orOk("source tables", "no two columns differ by case only");
    }

    private static List<Finding> heirs(Facts facts) {
        Findings findings = new Findings("source.heirs");
        for (TableFacts table : tables(facts)) {
            if (!table.dependents().heirs().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        table.dependents().heirs()
                                + " inherit from it: their rows would be read with its own, their"
                                + " later changes go by their own names and would be missing",
                        "make it a partitioned table, or ALTER TABLE ... NO INHERIT "
                                + Identifier.quote(table.id())
                                + "; and map each table by itself");
            }
        }
        return findings.orOk("source tables", "nothing but partitions inherits from them");
    }

    private static List<Finding> replicaIdentity(Facts facts) {
        Findings findings = new Findings("source.replica-identity");
        for (TableFacts table : tables(facts)) {
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

    private static List<Finding> privileges(Facts facts) {
        Findings findings = new Findings("source.select-privilege");
        String role = Identifier.quote(facts.source().server().role().name());
        TreeSet<String> schemas = new TreeSet<>();
        for (TableFacts table : tables(facts)) {
            if (!table.access().schemaUsage() && schemas.add(table.id().schema())) {
                findings.refuse(
                        "schema " + table.id().schema(),
                        "the role has no USAGE on it",
                        "GRANT USAGE ON SCHEMA "
                                + Identifier.quote(table.id().schema())
                                + " TO "
                                + role
                                + ";");
            }
            if (!table.access().select()) {
                findings.refuse(
                        table.id().toString(),
                        "the role may not read it",
                        "GRANT SELECT ON " + Identifier.quote(table.id()) + " TO " + role + ";");
            }
        }
        return findings.orOk("source tables", "the role may read them");
    }

    private static List<Finding> rowSecurity(Facts facts) {
        Findings findings = new Findings("source.row-security");
        String role = facts.source().server().role().name();
        for (TableFacts table : tables(facts)) {
            if (table.access().rowSecurity()) {
                findings.refuse(
                        table.id().toString(),
                        "a policy of row level security would hide rows from role " + role,
                        "ALTER ROLE " + Identifier.quote(role) + " BYPASSRLS;");
            }
        }
        return findings.orOk("source tables", "no row is hidden from the role");
    }

    private static List<Finding> publication(Facts facts) {
        Findings findings = new Findings("source.publication");
        Facts.Source source = facts.source();
        String object = "publication " + source.publicationName();
        if (source.publication().isPresent()) {
            existing(findings, object, source.publication().get(), facts);
            return findings.orOk(object, "is there with exactly these tables");
        }
        Server.Role role = source.server().role();
        if (!role.createsInDatabase()) {
            findings.refuse(
                    "database " + source.server().database(),
                    "the role may not create a publication in it",
                    "GRANT CREATE ON DATABASE "
                            + Identifier.quote(source.server().database())
                            + " TO "
                            + Identifier.quote(role.name())
                            + "; or let an owner of the tables run: "
                            + creation(facts));
        }
        for (TableFacts table : tables(facts)) {
            if (!table.access().owned()) {
                findings.refuse(
                        table.id().toString(),
                        "belongs to "
                                + table.access().owner()
                                + ": only an owner may publish a table",
                        "GRANT "
                                + Identifier.quote(table.access().owner())
                                + " TO "
                                + Identifier.quote(role.name())
                                + "; or let the owner run: "
                                + creation(facts));
            }
        }
        return findings.orOk(object, "the role may create it");
    }

    private static void existing(
            Findings findings, String object, Server.Publication publication, Facts facts) {
        boolean exact = new TreeSet<>(publication.tables()).equals(facts.sources());
        String again =
                "DROP PUBLICATION "
                        + Identifier.quote(facts.source().publicationName())
                        + "; and let "
                        + (publication.owned()
                                ? "the migration make it anew"
                                : "its owner run: " + creation(facts))
                        + (facts.target().begun()
                                ? " What was written meanwhile may not be in the log: begin the"
                                        + " migration anew, under another name."
                                : "");
        if (publication.allTables() || publication.narrowed() || !exact) {
            findings.refuse(
                    object,
                    "is there and doesn't publish exactly the tables of the mappings, whole",
                    again);
        } else if (!publication.everyOperation() || !publication.viaRoot()) {
            findings.refuse(
                    object,
                    "is there and doesn't publish every operation through the partition root",
                    again);
        }
    }

    private static String creation(Facts facts) {
        return "CREATE PUBLICATION "
                + Identifier.quote(facts.source().publicationName())
                + " FOR TABLE "
                + facts.sources().stream()
                        .map((TableId id) -> Identifier.quote(id))
                        .collect(Collectors.joining(", "))
                + " WITH (publish_via_partition_root = true);";
    }

    private static List<Finding> partitions(Facts facts) {
        Findings findings = new Findings("source.partitions");
        for (TableFacts table : tables(facts)) {
            if (table.kind() == Kind.PARTITIONED_TABLE) {
                findings.warn(
                        table.id().toString(),
                        "is partitioned: PostgreSQL doesn't replicate TRUNCATE, DETACH or DROP of a"
                                + " single partition, so its rows would stay on the target",
                        "until the traffic has moved, empty a partition by DELETE or truncate the"
                                + " whole table; a reconciliation reports what stayed as extra");
            }
        }
        return findings.orOk("source tables", "none is partitioned");
    }

    /// One finding a source table, whatever the number of targets made of it.
    private static List<Finding> unchangedValues(Facts facts) {
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
