package dev.millrace.preflight;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.postgres.TableFacts.Persistence;
import dev.millrace.preflight.PreflightCheck.Findings;
import dev.millrace.sql.Relation;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Whether each source table can be captured without harm to the application.
final class SourceTableChecks {

    static final List<PreflightCheck> ALL =
            List.of(
                    SourceTableChecks::kind,
                    SourceTableChecks::columnNames,
                    SourceTableChecks::heirs,
                    SourceKeyChecks::replicaIdentity,
                    SourceTableChecks::privileges,
                    SourceTableChecks::rowSecurity,
                    SourcePublicationCheck::judge,
                    SourceTableChecks::partitions,
                    UnchangedValueCheck::judge);

    private SourceTableChecks() {}

    private static List<Finding> kind(Facts facts) {
        Findings findings = new Findings("source.table-kind");
        for (TableFacts table : facts.sourceTables()) {
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
        for (TableFacts table : facts.sourceTables()) {
            if (!table.dependents().inheritingTables().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        table.dependents().inheritingTables()
                                + " inherit from it: their rows would be read with its own, their"
                                + " later changes go by their own names and would be missing",
                        "make it a partitioned table, or ALTER TABLE ... NO INHERIT "
                                + Identifier.quote(table.id())
                                + "; and map each table by itself");
            }
        }
        return findings.orOk("source tables", "nothing but partitions inherits from them");
    }

    private static List<Finding> privileges(Facts facts) {
        Findings findings = new Findings("source.select-privilege");
        String role = Identifier.quote(facts.source().server().role().name());
        TreeSet<String> schemas = new TreeSet<>();
        for (TableFacts table : facts.sourceTables()) {
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
        for (TableFacts table : facts.sourceTables()) {
            if (table.access().rowSecurity()) {
                findings.refuse(
                        table.id().toString(),
                        "a policy of row level security would hide rows from role " + role,
                        "ALTER ROLE " + Identifier.quote(role) + " BYPASSRLS;");
            }
        }
        return findings.orOk("source tables", "no row is hidden from the role");
    }

    private static List<Finding> partitions(Facts facts) {
        Findings findings = new Findings("source.partitions");
        for (TableFacts table : facts.sourceTables()) {
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
}
