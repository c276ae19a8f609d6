package dev.millrace.preflight;

import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Checks that the target accepts the rows, and that nothing there changes them.
final class TargetChecks {

    static final List<Facts.Check> ALL =
            List.of(
                    facts -> ServerVersion.judge(CheckName.TARGET_VERSION, facts.target().server()),
                    TargetChecks::primary,
                    facts ->
                            ServerVersion.encoding(
                                    CheckName.TARGET_ENCODING, facts.target().server()),
                    TargetChecks::kind,
                    TargetChecks::key,
                    TargetChecks::replicaRole,
                    UniqueValueCheck::judge,
                    TargetRuleCheck::judge,
                    TargetChecks::identity,
                    TargetChecks::deferrable,
                    TargetChecks::inheritance,
                    TargetChecks::empty,
                    TargetChecks::distinctDatabase);

    private TargetChecks() {}

    private static List<Finding> primary(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_PRIMARY);
        if (facts.target().server().inRecovery()) {
            findings.refuse(
                    "target",
                    "is a standby, which accepts no writes",
                    Remedy.byHand("Set target.url to the primary."));
        }
        return findings.orOk("target", "accepts writes");
    }

    private static List<Finding> kind(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_TABLE_KIND);
        for (TableFacts table : facts.targetTables()) {
            String object = table.id().toString();
            if (table.kind() != Kind.TABLE && table.kind() != Kind.PARTITIONED_TABLE) {
                findings.refuse(
                        object, "is not a table", Remedy.byHand("Declare a table as target."));
            } else if (table.persistence() != TableFacts.Persistence.PERMANENT) {
                findings.warn(
                        object,
                        "is unlogged: a crash of the target server empties it without an error",
                        Remedy.onTarget(
                                "ALTER TABLE " + Identifier.quote(table.id()) + " SET LOGGED;"));
            }
        }
        return findings.orOk("target tables", "all are tables");
    }

    private static List<Finding> key(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_KEY);
        for (TableFacts table : facts.targetTables()) {
            if (table.kind() == Kind.TABLE && table.keys().primaryKey().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        "has no primary key, without which a row that is applied twice would be"
                                + " duplicated",
                        keyRemedy(table.id(), facts.tables()));
            }
        }
        return findings.orOk("target tables", "each has a primary key");
    }

    /// The key of the source's rows identifies them on the target, too, unless the SELECT renames
    /// or computes its columns.
    private static Remedy keyRemedy(TableId table, List<CompiledTable> compiled) {
        List<String> columns =
                compiled.stream()
                        .filter(each -> each.target().id().equals(table))
                        .findFirst()
                        .filter(
                                each ->
                                        each.source().key().stream()
                                                .allMatch(
                                                        name ->
                                                                each.target()
                                                                        .column(name)
                                                                        .isPresent()))
                        .map(each -> each.source().key())
                        .orElse(List.of());
        String statement = "ALTER TABLE " + Identifier.quote(table) + " ADD PRIMARY KEY (%s);";
        return columns.isEmpty()
                ? Remedy.byHand("Add a primary key: " + statement.formatted("..."))
                : Remedy.onTarget(
                        statement.formatted(
                                columns.stream()
                                        .map(Identifier::quote)
                                        .collect(Collectors.joining(", "))));
    }

    private static List<Finding> replicaRole(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_TRIGGERS);
        Server.Facts server = facts.target().server();
        String role = server.role().name();
        for (TableFacts table : facts.targetTables()) {
            TableFacts.Dependents dependents = table.dependents();
            if (!dependents.replicaTriggers().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        "has triggers that fire in every session ("
                                + SwitchoverTableChecks.names(dependents.replicaTriggers())
                                + "): they would also fire for replicated rows",
                        Remedy.onTarget(
                                        SwitchoverTableChecks.ofApplication(
                                                dependents.replicaTriggers()))
                                .note("They then fire for the application only."));
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
                        SwitchoverTableChecks.replicaRole(Place.TARGET, server)
                                .note("Alternatively, drop them until the switchover."));
            }
        }
        return findings.orOk("target tables", "no trigger or foreign key acts on replicated rows");
    }

    private static List<Finding> deferrable(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_DEFERRABLE);
        for (TableFacts table : facts.targetTables()) {
            for (TableFacts.Member constraint : table.dependents().deferrable()) {
                findings.refuse(
                        table.id().toString(),
                        "constraint "
                                + constraint.name()
                                + " is deferrable: PostgreSQL does not check it in the replica"
                                + " role that apply uses, so duplicates would be written"
                                + " without an error",
                        Remedy.onTarget(
                                        "ALTER TABLE "
                                                + Identifier.quote(constraint.table())
                                                + " DROP CONSTRAINT "
                                                + Identifier.quote(constraint.name())
                                                + ";")
                                .note(
                                        "Create it again after the switchover. Alternatively,"
                                                + " replace it by one that is NOT DEFERRABLE."));
            }
        }
        return findings.orOk("target tables", "no unique constraint is deferrable");
    }

    /// An INSERT may override the value, but no UPDATE may set one. The key is never updated.
    private static List<Finding> identity(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_IDENTITY);
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
                            Remedy.onTarget(
                                            "ALTER TABLE "
                                                    + Identifier.quote(table.target().id())
                                                    + " ALTER COLUMN "
                                                    + Identifier.quote(column)
                                                    + " SET GENERATED BY DEFAULT;")
                                    .note("Set it back after the switchover."));
                }
            }
        }
        return findings.orOk("target tables", "every written column can be updated");
    }

    private static List<Finding> inheritance(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_INHERITANCE);
        for (TableFacts table : facts.targetTables()) {
            if (!table.dependents().inheritingTables().isEmpty()) {
                findings.refuse(
                        table.id().toString(),
                        table.dependents().inheritingTables()
                                + " inherit from it: their rows would be read as its own, and"
                                + " its key does not apply to them",
                        Remedy.onTarget(SourceTableChecks.noInherit(table))
                                .note("Alternatively, make it a partitioned table."));
            }
        }
        return findings.orOk("target tables", "only partitions inherit from them");
    }

    private static List<Finding> empty(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_EMPTY);
        for (TableId table : facts.targets()) {
            if (facts.target().filled().contains(table)
                    && !facts.target().known().contains(table)) {
                findings.refuse(
                        table.toString(),
                        "is not empty: it contains rows that this migration did not write",
                        Remedy.onTarget("TRUNCATE " + Identifier.quote(table) + ";")
                                .note("If the rows are not needed."));
            }
        }
        return findings.orOk("target tables", "contain only rows of this migration");
    }

    private static List<Finding> distinctDatabase(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_DISTINCT_DATABASE);
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
                            Remedy.byHand(
                                    "Declare another target table, or set target.url to another"
                                            + " database."));
                }
            }
        }
        return findings.orOk("target tables", "no table is source and target");
    }
}
