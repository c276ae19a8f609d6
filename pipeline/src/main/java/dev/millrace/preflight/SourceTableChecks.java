package dev.millrace.preflight;

import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.postgres.TableFacts.Persistence;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.sql.Relation;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Checks that each source table can be captured without harm to the application.
final class SourceTableChecks {

    static final List<Facts.Check> ALL =
            List.of(
                    SourceTableChecks::kind,
                    SourceTableChecks::columnNames,
                    SourceTableChecks::inheritance,
                    SourceKeyChecks::replicaIdentity,
                    SourceTableChecks::privileges,
                    SourceTableChecks::rowSecurity,
                    SourcePublicationCheck::judge,
                    SourceTableChecks::partitions,
                    UnchangedValueCheck::judge);

    private SourceTableChecks() {}

    private static List<Finding> kind(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_TABLE_KIND);
        for (TableFacts table : facts.sourceTables()) {
            judgeKind(findings, table);
        }
        Map<String, TableFacts> byName = new TreeMap<>();
        for (TableFacts table : facts.sourceTables()) {
            TableFacts other =
                    byName.putIfAbsent(table.id().schema() + "." + table.id().name(), table);
            if (other != null) {
                findings.refuse(
                        Identifier.quote(table.id()),
                        "and "
                                + Identifier.quote(other.id())
                                + " have the same name for the engine, which joins schema and table"
                                + " with a dot",
                        Remedy.byHand("Rename one of them, or migrate it in another migration."));
            }
        }
        return findings.orOk("source tables", "all are ordinary or partitioned tables");
    }

    private static void judgeKind(Findings findings, TableFacts table) {
        String object = table.id().toString();
        switch (table.kind()) {
            case VIEW, MATERIALIZED_VIEW ->
                    findings.refuse(
                            object,
                            "is a view, and the WAL does not contain changes of views",
                            Remedy.byHand("Write the SELECT over the view's tables."));
            case FOREIGN_TABLE ->
                    findings.refuse(
                            object,
                            "is a foreign table, whose changes are in another server's WAL",
                            Remedy.byHand("Migrate it from the server that stores it."));
            case TABLE, PARTITIONED_TABLE -> {
                table.root()
                        .ifPresent(
                                root ->
                                        findings.refuse(
                                                object,
                                                "is a partition, and its changes are published"
                                                        + " under its root",
                                                Remedy.byHand(
                                                        "Select from " + root + " instead.")));
                if (table.persistence() != Persistence.PERMANENT) {
                    findings.refuse(
                            object,
                            "is "
                                    + table.persistence().name().toLowerCase(Locale.ROOT)
                                    + ", and the WAL does not contain its changes",
                            Remedy.onSource(
                                    "ALTER TABLE "
                                            + Identifier.quote(table.id())
                                            + " SET LOGGED;"));
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
                                                + ", and the WAL does not contain its changes",
                                        leaf.kind() == Kind.TABLE
                                                ? Remedy.onSource(
                                                        "ALTER TABLE "
                                                                + Identifier.quote(leaf.id())
                                                                + " SET LOGGED;")
                                                : Remedy.byHand(
                                                        "Make it an ordinary table, or detach it.")));
    }

    /// Capture looks up columns by name, ignoring case.
    private static List<Finding> columnNames(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_COLUMN_NAMES);
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
                                            "has columns "
                                                    + String.join(" and ", same)
                                                    + ", which differ by case only and cannot be"
                                                    + " distinguished in the stream",
                                            Remedy.byHand(
                                                    "Rename one of them: ALTER TABLE "
                                                            + Identifier.quote(source.id())
                                                            + " RENAME COLUMN "
                                                            + Identifier.quote(same.getLast())
                                                            + " TO ...;")));
        }
        return findings.orOk("source tables", "no two columns differ by case only");
    }

    private static List<Finding> inheritance(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_INHERITANCE);
        for (TableFacts table : facts.sourceTables()) {
            if (!table.dependents().inheritingTables().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        table.dependents().inheritingTables()
                                + " inherit from it: the snapshot would include their rows, but"
                                + " their changes are published under their own names"
                                + " and would be missing",
                        Remedy.onSource(noInherit(table))
                                .note(
                                        "Then map each table separately. Alternatively, make it a"
                                                + " partitioned table."));
            }
        }
        return findings.orOk("source tables", "only partitions inherit from them");
    }

    /// @param table names the tables that inherit from it, without their schema if it is the same
    static String[] noInherit(TableFacts table) {
        return table.dependents().inheritingTables().stream()
                .map(
                        heir ->
                                "ALTER TABLE "
                                        + heir
                                        + " NO INHERIT "
                                        + Identifier.quote(table.id())
                                        + ";")
                .toArray(String[]::new);
    }

    private static List<Finding> privileges(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_SELECT_PRIVILEGE);
        String role = facts.source().server().role().name();
        TreeSet<String> schemas = new TreeSet<>();
        for (TableFacts table : facts.sourceTables()) {
            if (!table.access().schemaUsage() && schemas.add(table.id().schema())) {
                findings.refuse(
                        "schema " + table.id().schema(),
                        "the role has no USAGE privilege",
                        Remedy.onSource(GrantSql.usage(table.id().schema(), role)));
            }
            if (!table.access().select()) {
                findings.refuse(
                        table.id().toString(),
                        "the role has no SELECT privilege",
                        Remedy.onSource(GrantSql.onTable("SELECT", table.id(), role)));
            }
        }
        return findings.orOk("source tables", "the role may read them");
    }

    private static List<Finding> rowSecurity(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_ROW_SECURITY);
        String role = facts.source().server().role().name();
        for (TableFacts table : facts.sourceTables()) {
            if (table.access().rowSecurity()) {
                findings.refuse(
                        table.id().toString(),
                        "row-level security hides rows from role " + role,
                        Remedy.onSource(GrantSql.seesAllRows(role)));
            }
        }
        return findings.orOk("source tables", "row-level security hides no rows from the role");
    }

    private static List<Finding> partitions(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_PARTITIONS);
        for (TableFacts table : facts.sourceTables()) {
            if (table.kind() == Kind.PARTITIONED_TABLE) {
                findings.note(
                        table.id().toString(),
                        "is partitioned: PostgreSQL does not replicate TRUNCATE, DETACH or DROP"
                                + " of a single partition, so the target would keep its rows",
                        Remedy.byHand(
                                "Until the switchover, empty a partition with DELETE, or truncate the"
                                        + " whole table. Reconcile reports rows that remain as"
                                        + " extra."));
            }
        }
        return findings.orOk("source tables", "none is partitioned");
    }
}
