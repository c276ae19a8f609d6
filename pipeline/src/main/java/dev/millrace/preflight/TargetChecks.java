package dev.millrace.preflight;

import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.grants.GrantSql;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/// Checks that the target accepts the rows, and that nothing there changes them.
final class TargetChecks {

    static final List<Facts.Check> ALL =
            List.of(
                    facts -> ServerVersion.judge("target.version", facts.target().server()),
                    TargetChecks::primary,
                    facts -> ServerVersion.encoding("target.encoding", facts.target().server()),
                    TargetChecks::kind,
                    TargetChecks::key,
                    TargetChecks::privileges,
                    TargetChecks::controlSchema,
                    TargetChecks::temporaryTables,
                    TargetChecks::replicaRole,
                    TargetRuleCheck::judge,
                    TargetChecks::identity,
                    TargetChecks::deferrable,
                    TargetChecks::inheritance,
                    TargetChecks::empty,
                    TargetChecks::distinctDatabase);

    private TargetChecks() {}

    private static List<Finding> primary(Facts facts) {
        Findings findings = new Findings("target.primary");
        if (facts.target().server().inRecovery()) {
            findings.refuse(
                    "target",
                    "is a standby, which accepts no writes",
                    "Set target.url to the primary.");
        }
        return findings.orOk("target", "accepts writes");
    }

    private static List<Finding> kind(Facts facts) {
        Findings findings = new Findings("target.table-kind");
        for (TableFacts table : facts.targetTables()) {
            String object = table.id().toString();
            if (table.kind() != Kind.TABLE && table.kind() != Kind.PARTITIONED_TABLE) {
                findings.refuse(object, "is not a table", "Declare a table as target.");
            } else if (table.persistence() != TableFacts.Persistence.PERMANENT) {
                findings.warn(
                        object,
                        "is unlogged: a crash of the target server empties it without an error",
                        "ALTER TABLE " + Identifier.quote(table.id()) + " SET LOGGED;");
            }
            if (table.access().rowSecurity()) {
                findings.refuse(
                        object,
                        "row-level security restricts the rows that the role reads and writes",
                        GrantSql.seesAllRows(facts.target().server().role().name()));
            }
        }
        return findings.orOk("target tables", "all are tables");
    }

    private static List<Finding> key(Facts facts) {
        Findings findings = new Findings("target.key");
        for (TableFacts table : facts.targetTables()) {
            if (table.kind() == Kind.TABLE && table.keys().primaryKey().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        "has no primary key, without which a row that is applied twice would be"
                                + " duplicated",
                        "ALTER TABLE " + Identifier.quote(table.id()) + " ADD PRIMARY KEY (...);");
            }
        }
        return findings.orOk("target tables", "each has a primary key");
    }

    private static List<Finding> privileges(Facts facts) {
        Findings findings = new Findings("target.write-privilege");
        String role = facts.target().server().role().name();
        TreeSet<String> schemas = new TreeSet<>();
        for (TableFacts table : facts.targetTables()) {
            TableFacts.Access access = table.access();
            if (!access.schemaUsage() && schemas.add(table.id().schema())) {
                findings.refuse(
                        "schema " + table.id().schema(),
                        "the role has no USAGE privilege",
                        GrantSql.usage(table.id().schema(), role));
            }
            List<String> missing = new ArrayList<>();
            note(missing, access.select(), "SELECT");
            note(missing, access.insert(), "INSERT");
            note(missing, access.update(), "UPDATE");
            note(missing, access.delete(), "DELETE");
            if (!missing.isEmpty()) {
                String list = String.join(", ", missing);
                findings.refuse(
                        table.id().toString(),
                        "the role has no " + list + " privilege",
                        GrantSql.onTable(list, table.id(), role));
            }
        }
        return findings.orOk("target tables", "the role may write them");
    }

    private static void note(List<String> missing, boolean granted, String privilege) {
        if (!granted) {
            missing.add(privilege);
        }
    }

    private static List<Finding> controlSchema(Facts facts) {
        Findings findings = new Findings("target.control-schema");
        String owner = facts.target().server().role().name();
        String database = facts.target().server().database();
        switch (facts.target().control()) {
            case OURS -> {}
            case ABSENT -> {
                if (!facts.target().server().role().createsInDatabase()) {
                    findings.refuse(
                            "database " + database,
                            "the role may not create the schema millrace, which stores the"
                                    + " journal and the offsets",
                            GrantSql.onDatabase("CREATE", database, owner)
                                    + " Alternatively: "
                                    + GrantSql.controlSchema(owner));
                }
            }
            case LOCKED ->
                    findings.refuse(
                            "schema millrace",
                            "exists, but the role may not create tables in it",
                            "ALTER SCHEMA millrace OWNER TO " + Identifier.quote(owner) + ";");
            case FOREIGN ->
                    findings.refuse(
                            "schema millrace",
                            "exists, but contains tables that are not Millrace's",
                            "Rename that schema, or migrate into another database.");
        }
        return findings.orOk("schema millrace", "exists or can be created");
    }

    private static List<Finding> temporaryTables(Facts facts) {
        Findings findings = new Findings("target.temporary-tables");
        String database = facts.target().server().database();
        if (!facts.target().server().role().createsTemporary()) {
            findings.refuse(
                    "database " + database,
                    "the role may not create temporary tables, which apply needs to write batches",
                    GrantSql.onDatabase(
                            "TEMPORARY", database, facts.target().server().role().name()));
        }
        return findings.orOk("database " + database, "the role may create temporary tables");
    }

    private static List<Finding> replicaRole(Facts facts) {
        Findings findings = new Findings("target.triggers");
        String role = facts.target().server().role().name();
        for (TableFacts table : facts.targetTables()) {
            TableFacts.Dependents dependents = table.dependents();
            if (!dependents.replicaTriggers().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        "has triggers that fire in every session ("
                                + String.join(", ", dependents.replicaTriggers())
                                + "): they would also fire for replicated rows",
                        "ALTER TABLE "
                                + Identifier.quote(table.id())
                                + " ENABLE TRIGGER ...; They then fire for the application only.");
            }
            List<String> affected = new ArrayList<>();
            dependents.references().forEach(name -> affected.add("foreign key " + name));
            dependents.referencedBy().forEach(name -> affected.add("foreign key from " + name));
            dependents.triggers().forEach(name -> affected.add("trigger " + name));
            if (!facts.target().maySetReplicaRole() && !affected.isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        "role "
                                + role
                                + " may not set session_replication_role, and rows of different"
                                + " tables arrive in any order: "
                                + String.join(", ", affected)
                                + " would fail or act on replicated rows",
                        GrantSql.replicaRole(role)
                                + " Alternatively, drop them until the switchover.");
            }
        }
        return findings.orOk("target tables", "no trigger or foreign key acts on replicated rows");
    }

    private static List<Finding> deferrable(Facts facts) {
        Findings findings = new Findings("target.deferrable");
        for (TableFacts table : facts.targetTables()) {
            for (String constraint : table.dependents().deferrable()) {
                findings.refuse(
                        table.id().toString(),
                        "constraint "
                                + constraint
                                + " is deferrable: PostgreSQL does not check it in the replica"
                                + " role that apply uses, so duplicates would be written"
                                + " without an error",
                        "Replace it by one that is NOT DEFERRABLE, or drop it until the"
                                + " switchover.");
            }
        }
        return findings.orOk("target tables", "no unique constraint is deferrable");
    }

    /// An INSERT may override the value, but no UPDATE may set one. The key is never updated.
    private static List<Finding> identity(Facts facts) {
        Findings findings = new Findings("target.identity");
        for (CompiledTable table : facts.tables()) {
            Optional<RowSchema> written = table.mapping().map(Mapping::target);
            Optional<TableFacts> known =
                    Optional.ofNullable(facts.target().tables().get(table.target().id()));
            if (written.isEmpty() || known.isEmpty()) {
                continue;
            }
            for (String column : known.get().columns().identityAlways()) {
                if (written.get().columns().contains(column)
                        && !written.get().keyColumns().contains(column)) {
                    findings.refuse(
                            table.target().id().toString(),
                            "column "
                                    + column
                                    + " is GENERATED ALWAYS AS IDENTITY: PostgreSQL refuses every"
                                    + " UPDATE that sets its value",
                            "ALTER TABLE "
                                    + Identifier.quote(table.target().id())
                                    + " ALTER COLUMN "
                                    + Identifier.quote(column)
                                    + " SET GENERATED BY DEFAULT; Set it back after the"
                                    + " switchover.");
                }
            }
        }
        return findings.orOk("target tables", "every written column can be updated");
    }

    private static List<Finding> inheritance(Facts facts) {
        Findings findings = new Findings("target.inheritance");
        for (TableFacts table : facts.targetTables()) {
            if (!table.dependents().inheritingTables().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        table.dependents().inheritingTables()
                                + " inherit from it: their rows would be read as its own, and"
                                + " its key does not apply to them",
                        "Make it a partitioned table, or run: ALTER TABLE ... NO INHERIT "
                                + Identifier.quote(table.id())
                                + ";");
            }
        }
        return findings.orOk("target tables", "only partitions inherit from them");
    }

    private static List<Finding> empty(Facts facts) {
        Findings findings = new Findings("target.empty");
        for (TableId table : facts.targets()) {
            if (facts.target().filled().contains(table)
                    && !facts.target().known().contains(table)) {
                findings.refuse(
                        table.toString(),
                        "is not empty: it contains rows that this migration did not write",
                        "If the rows are not needed: TRUNCATE " + Identifier.quote(table) + ";");
            }
        }
        return findings.orOk("target tables", "contain only rows of this migration");
    }

    private static List<Finding> distinctDatabase(Facts facts) {
        Findings findings = new Findings("target.distinct-database");
        var source = facts.source().server();
        var target = facts.target().server();
        boolean same = facts.oneServer() && source.database().equals(target.database());
        if (same) {
            for (TableId table : facts.targets()) {
                if (facts.sources().contains(table)) {
                    findings.misconfigured(
                            table.toString(),
                            "is both source and target table, because source and target are the"
                                    + " same database",
                            "Declare another target table, or set target.url to another database.");
                }
            }
        }
        return findings.orOk("target tables", "no table is source and target");
    }
}
