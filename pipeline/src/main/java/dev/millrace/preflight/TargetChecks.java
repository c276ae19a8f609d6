package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.preflight.PreflightCheck.Findings;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/// Whether the target takes the rows, and nothing there would change them on the way in.
final class TargetChecks {

    static final List<PreflightCheck> ALL =
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
                    TargetChecks::deferrable,
                    TargetChecks::heirs,
                    TargetChecks::empty,
                    TargetChecks::apart);

    private TargetChecks() {}

    private static List<Finding> primary(Facts facts) {
        Findings findings = new Findings("target.primary");
        if (facts.target().server().inRecovery()) {
            findings.refuse(
                    "target", "is a standby: it takes no writes", "name the primary in target.url");
        }
        return findings.orOk("target", "takes writes");
    }

    private static List<Finding> kind(Facts facts) {
        Findings findings = new Findings("target.table-kind");
        for (TableFacts table : facts.targetTables()) {
            String object = table.id().toString();
            if (table.kind() != Kind.TABLE && table.kind() != Kind.PARTITIONED_TABLE) {
                findings.refuse(object, "is not a table", "name a table");
            } else if (table.persistence() != TableFacts.Persistence.PERMANENT) {
                findings.warn(
                        object,
                        "is unlogged: a crash of the target empties it and nobody notices",
                        "ALTER TABLE " + Identifier.quote(table.id()) + " SET LOGGED;");
            }
            if (table.access().rowSecurity()) {
                findings.refuse(
                        object,
                        "a policy of row level security stands between the role and its rows",
                        "ALTER ROLE "
                                + Identifier.quote(facts.target().server().role().name())
                                + " BYPASSRLS;");
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
                        "has no primary key: a row that comes twice could not be told from two",
                        "ALTER TABLE " + Identifier.quote(table.id()) + " ADD PRIMARY KEY (...);");
            }
        }
        return findings.orOk("target tables", "each has a primary key");
    }

    private static List<Finding> privileges(Facts facts) {
        Findings findings = new Findings("target.write-privilege");
        String role = Identifier.quote(facts.target().server().role().name());
        TreeSet<String> schemas = new TreeSet<>();
        for (TableFacts table : facts.targetTables()) {
            TableFacts.Access access = table.access();
            if (!access.schemaUsage() && schemas.add(table.id().schema())) {
                findings.refuse(
                        "schema " + table.id().schema(),
                        "the role has no USAGE on it",
                        "GRANT USAGE ON SCHEMA "
                                + Identifier.quote(table.id().schema())
                                + " TO "
                                + role
                                + ";");
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
                        "the role has no " + list + " on it",
                        "GRANT "
                                + list
                                + " ON "
                                + Identifier.quote(table.id())
                                + " TO "
                                + role
                                + ";");
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
        String role = Identifier.quote(facts.target().server().role().name());
        String database = facts.target().server().database();
        switch (facts.target().control()) {
            case OURS -> {}
            case ABSENT -> {
                if (!facts.target().server().role().createsInDatabase()) {
                    findings.refuse(
                            "database " + database,
                            "the role may not create the schema millrace, which keeps the journal"
                                    + " and the stored offsets",
                            "GRANT CREATE ON DATABASE "
                                    + Identifier.quote(database)
                                    + " TO "
                                    + role
                                    + "; or CREATE SCHEMA millrace AUTHORIZATION "
                                    + role
                                    + ";");
                }
            }
            case LOCKED ->
                    findings.refuse(
                            "schema millrace",
                            "is there and the role may not create tables in it",
                            "ALTER SCHEMA millrace OWNER TO " + role + ";");
            case FOREIGN ->
                    findings.refuse(
                            "schema millrace",
                            "is there and holds tables that are not Millrace's",
                            "rename that schema, or migrate into another database");
        }
        return findings.orOk("schema millrace", "can be kept there");
    }

    private static List<Finding> temporaryTables(Facts facts) {
        Findings findings = new Findings("target.temporary-tables");
        String database = facts.target().server().database();
        if (!facts.target().server().role().createsTemporary()) {
            findings.refuse(
                    "database " + database,
                    "the role may not create temporary tables, through which batches are written",
                    "GRANT TEMPORARY ON DATABASE "
                            + Identifier.quote(database)
                            + " TO "
                            + Identifier.quote(facts.target().server().role().name())
                            + ";");
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
                        "has triggers that fire for every session ("
                                + String.join(", ", dependents.replicaTriggers())
                                + "): they would act on rows that are only copied",
                        "ALTER TABLE "
                                + Identifier.quote(table.id())
                                + " ENABLE TRIGGER ...; so that they fire for the application alone");
            }
            List<String> inTheWay = new ArrayList<>();
            dependents.references().forEach(name -> inTheWay.add("foreign key " + name));
            dependents.referencedBy().forEach(name -> inTheWay.add("foreign key from " + name));
            dependents.triggers().forEach(name -> inTheWay.add("trigger " + name));
            if (!facts.target().mayBeReplica() && !inTheWay.isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        "role "
                                + role
                                + " may not set session_replication_role, and rows come in the"
                                + " order of their keys: "
                                + String.join(", ", inTheWay)
                                + " would fail or act on copied rows",
                        "GRANT SET ON PARAMETER session_replication_role TO "
                                + Identifier.quote(role)
                                + "; or drop them until the switchover");
            }
        }
        return findings.orOk("target tables", "nothing there acts on rows that are copied");
    }

    private static List<Finding> deferrable(Facts facts) {
        Findings findings = new Findings("target.deferrable");
        for (TableFacts table : facts.targetTables()) {
            for (String constraint : table.dependents().deferrable()) {
                findings.refuse(
                        table.id().toString(),
                        "constraint "
                                + constraint
                                + " is deferrable: rows are applied in the replica role, in which PostgreSQL doesn't"
                                + " check it, and duplicates would land in silence",
                        "drop it until the switchover and add it NOT DEFERRABLE, or add it again afterwards");
            }
        }
        return findings.orOk("target tables", "every unique constraint is checked at once");
    }

    private static List<Finding> heirs(Facts facts) {
        Findings findings = new Findings("target.heirs");
        for (TableFacts table : facts.targetTables()) {
            if (!table.dependents().inheritingTables().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        table.dependents().inheritingTables()
                                + " inherit from it: their rows would count as its own, and its key"
                                + " doesn't hold for them",
                        "make it a partitioned table, or ALTER TABLE ... NO INHERIT "
                                + Identifier.quote(table.id())
                                + ";");
            }
        }
        return findings.orOk("target tables", "nothing but partitions inherits from them");
    }

    private static List<Finding> empty(Facts facts) {
        Findings findings = new Findings("target.empty");
        for (TableId table : facts.targets()) {
            if (facts.target().filled().contains(table)
                    && !facts.target().known().contains(table)) {
                findings.refuse(
                        table.toString(),
                        "holds rows that this migration didn't bring",
                        "TRUNCATE " + Identifier.quote(table) + "; if they are not needed");
            }
        }
        return findings.orOk("target tables", "hold no row of others");
    }

    private static List<Finding> apart(Facts facts) {
        Findings findings = new Findings("target.apart");
        var source = facts.source().server();
        var target = facts.target().server();
        boolean same =
                source.systemIdentifier().isPresent()
                        && source.systemIdentifier().equals(target.systemIdentifier())
                        && source.database().equals(target.database());
        if (same) {
            for (TableId table : facts.targets()) {
                if (facts.sources().contains(table)) {
                    findings.misconfigured(
                            table.toString(),
                            "is source and target at once: source and target are one database",
                            "name another target table or another target database");
                }
            }
        }
        return findings.orOk("target tables", "none is a source table");
    }
}
