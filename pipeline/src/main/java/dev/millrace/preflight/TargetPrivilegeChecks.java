package dev.millrace.preflight;

import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/// Checks that the role may write the target tables, and store what Millrace has to know.
final class TargetPrivilegeChecks {

    static final List<Facts.Check> ALL =
            List.of(
                    TargetPrivilegeChecks::rowSecurity,
                    TargetPrivilegeChecks::privileges,
                    TargetPrivilegeChecks::controlSchema,
                    TargetPrivilegeChecks::temporaryTables);

    private TargetPrivilegeChecks() {}

    private static List<Finding> rowSecurity(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_ROW_SECURITY);
        for (TableFacts table : facts.targetTables()) {
            if (table.access().rowSecurity()) {
                findings.refuse(
                        table.id().toString(),
                        "row-level security restricts the rows that the role reads and writes",
                        Remedy.onTarget(
                                GrantSql.seesAllRows(facts.target().server().role().name())));
            }
        }
        return findings.orOk("target tables", "row-level security hides no rows from the role");
    }

    private static List<Finding> privileges(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_WRITE_PRIVILEGE);
        String role = facts.target().server().role().name();
        TreeSet<String> schemas = new TreeSet<>();
        for (TableFacts table : facts.targetTables()) {
            TableFacts.Access access = table.access();
            if (!access.schemaUsage() && schemas.add(table.id().schema())) {
                findings.refuse(
                        "schema " + table.id().schema(),
                        "the role has no USAGE privilege",
                        Remedy.onTarget(GrantSql.usage(table.id().schema(), role)));
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
                        Remedy.onTarget(GrantSql.onTable(list, table.id(), role)));
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
        Findings findings = new Findings(CheckName.TARGET_CONTROL_SCHEMA);
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
                            Remedy.onTarget(GrantSql.onDatabase("CREATE", database, owner))
                                    .note("Alternatively: " + GrantSql.controlSchema(owner)));
                }
            }
            case LOCKED ->
                    findings.refuse(
                            "schema millrace",
                            "exists, but the role may not create tables in it",
                            Remedy.onTarget(
                                    "ALTER SCHEMA millrace OWNER TO "
                                            + Identifier.quote(owner)
                                            + ";"));
            case FOREIGN ->
                    findings.refuse(
                            "schema millrace",
                            "exists, but contains tables that are not Millrace's",
                            Remedy.onTarget("ALTER SCHEMA millrace RENAME TO millrace_other;")
                                    .note("Alternatively, migrate into another database."));
        }
        return findings.orOk("schema millrace", "exists or can be created");
    }

    private static List<Finding> temporaryTables(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_TEMPORARY_TABLES);
        String database = facts.target().server().database();
        if (!facts.target().server().role().createsTemporary()) {
            findings.refuse(
                    "database " + database,
                    "the role may not create temporary tables, which apply needs to write batches",
                    Remedy.onTarget(
                            GrantSql.onDatabase(
                                    "TEMPORARY", database, facts.target().server().role().name())));
        }
        return findings.orOk("database " + database, "the role may create temporary tables");
    }
}
