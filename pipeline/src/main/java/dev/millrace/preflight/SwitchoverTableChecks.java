package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Foreign;
import dev.millrace.postgres.TableFacts.Member;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import dev.millrace.preflight.catalog.Ownership;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import dev.millrace.spec.switchover.Switchover.Fence;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Reports early what a switchover will need of the tables on both sides. Only warns: a migration
/// may run without a switchover.
final class SwitchoverTableChecks {

    static final List<Facts.Check> ALL =
            List.of(
                    SwitchoverTableChecks::sourceOwnership,
                    SwitchoverTableChecks::targetOwnership,
                    SwitchoverTableChecks::sourceTriggers,
                    SwitchoverTableChecks::replicaIdentity);

    private static final int NAMED = 3;

    private SwitchoverTableChecks() {}

    /// @param fence what refuses writes to the source; only triggers need its tables' owners
    static List<Facts.Check> of(Fence fence) {
        return switch (fence) {
            case LEASE -> ALL;
            case EXTERNAL ->
                    List.of(
                            SwitchoverTableChecks::targetOwnership,
                            SwitchoverTableChecks::sourceTriggers,
                            SwitchoverTableChecks::replicaIdentity);
        };
    }

    private static List<Finding> sourceOwnership(Facts facts) {
        return ownership(
                CheckName.SWITCHOVER_SOURCE_OWNERSHIP,
                Place.SOURCE,
                facts.source().server(),
                facts.sourceTables(),
                "the fence on the source needs: only a table's owner may make a trigger fire in"
                        + " every session");
    }

    private static List<Finding> targetOwnership(Facts facts) {
        return ownership(
                CheckName.SWITCHOVER_TARGET_OWNERSHIP,
                Place.TARGET,
                facts.target().server(),
                facts.targetTables(),
                "the fence on the target and the reverse stream need: only a table's owner may"
                        + " make a trigger fire in every session, or publish the table");
    }

    private static List<Finding> ownership(
            CheckName check,
            Place place,
            Server.Facts server,
            List<TableFacts> tables,
            String reason) {
        Findings findings = new Findings(check);
        SortedMap<String, List<Foreign>> byOwner = new TreeMap<>();
        for (TableFacts table : tables) {
            for (Foreign foreign : table.access().foreign()) {
                byOwner.computeIfAbsent(foreign.owner(), _ -> new ArrayList<>()).add(foreign);
            }
        }
        byOwner.forEach(
                (owner, owned) ->
                        findings.warn(
                                "tables of " + owner,
                                "the role does not have the rights of the owner of "
                                        + named(owned.stream().map(Foreign::id).toList())
                                        + ", which "
                                        + reason,
                                new Remedy(place, Ownership.rights(owned, server))));
        return findings.orOk(
                "tables", "the role has the rights of the owners of all tables and partitions");
    }

    static String named(Collection<TableId> tables) {
        String first =
                tables.stream()
                        .limit(NAMED)
                        .map(TableId::toString)
                        .collect(Collectors.joining(", "));
        return tables.size() <= NAMED ? first : first + " and " + (tables.size() - NAMED) + " more";
    }

    private static List<Finding> sourceTriggers(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_SOURCE_TRIGGERS);
        TreeSet<TableId> affected = new TreeSet<>();
        for (TableFacts table : facts.sourceTables()) {
            TableFacts.Dependents dependents = table.dependents();
            if (!dependents.replicaTriggers().isEmpty()) {
                findings.warn(
                        table.id().toString(),
                        "has triggers that fire in every session ("
                                + names(dependents.replicaTriggers())
                                + "): they would also fire for rows of the reverse stream",
                        Remedy.onSource(ofApplication(dependents.replicaTriggers()))
                                .note("They then fire for the application only."));
            }
            if (!dependents.references().isEmpty()
                    || !dependents.referencedBy().isEmpty()
                    || !dependents.triggers().isEmpty()) {
                affected.add(table.id());
            }
        }
        if (!facts.switchover().sourceReplicaRole() && !affected.isEmpty()) {
            Server.Facts source = facts.source().server();
            String role = source.role().name();
            findings.warn(
                    "role " + role,
                    "may not set session_replication_role on the source: triggers and foreign keys"
                            + " of "
                            + named(affected)
                            + " would act on rows of the reverse stream",
                    replicaRole(Place.SOURCE, source));
        }
        return findings.orOk(
                "source tables", "no trigger or foreign key acts on rows of the reverse stream");
    }

    /// Lets the role of a server set the replica role.
    static Remedy replicaRole(Place place, Server.Facts server) {
        int version = server.majorVersion();
        Remedy remedy = new Remedy(place, GrantSql.replicaRole(server.role().name(), version));
        return version >= GrantSql.PARAMETER_GRANTS
                ? remedy
                : remedy.note(
                        "Before PostgreSQL 15 only a superuser may set it, and a superuser may do"
                                + " everything.");
    }

    static String names(List<Member> members) {
        return members.stream().map(Member::name).collect(Collectors.joining(", "));
    }

    /// The statements after which triggers fire in sessions of the application only.
    static String[] ofApplication(List<Member> triggers) {
        return triggers.stream()
                .map(
                        trigger ->
                                "ALTER TABLE "
                                        + Identifier.quote(trigger.table())
                                        + " ENABLE TRIGGER "
                                        + Identifier.quote(trigger.name())
                                        + ";")
                .toArray(String[]::new);
    }

    /// Without an identity, publishing the table would make the application's UPDATE and DELETE on
    /// the target fail.
    private static List<Finding> replicaIdentity(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_TARGET_REPLICA_IDENTITY);
        for (TableFacts table : facts.targetTables()) {
            // Other checks refuse tables without a primary key or with a deferrable one.
            if (table.keys().primaryKey().isEmpty() || !table.dependents().deferrable().isEmpty()) {
                continue;
            }
            List<TableId> unusable = new ArrayList<>();
            if (!identifies(table.keys(), table)) {
                unusable.add(table.id());
            }
            for (TableFacts.Partition leaf : table.partitions()) {
                if (!identifies(leaf.keys(), table)) {
                    unusable.add(leaf.id());
                }
            }
            for (TableId each : unusable) {
                findings.warn(
                        each.toString(),
                        "has a replica identity that does not fit the reverse stream, which finds"
                                + " rows by their primary key",
                        Remedy.onTarget(
                                "ALTER TABLE "
                                        + Identifier.quote(each)
                                        + " REPLICA IDENTITY DEFAULT;"));
            }
        }
        return findings.orOk("target tables", "each is identified by its primary key");
    }

    private static boolean identifies(TableFacts.Keys keys, TableFacts table) {
        return keys.identity() == ReplicaIdentity.FULL
                ? table.columns().virtual().isEmpty()
                : Set.copyOf(keys.replica()).equals(Set.copyOf(table.keys().primaryKey()));
    }
}
