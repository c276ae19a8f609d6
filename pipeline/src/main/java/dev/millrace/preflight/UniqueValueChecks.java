package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import java.util.List;

/// Checks whether rows that exchange unique values can be written. Apply takes such rows out of the
/// table and puts them back, which it does with `session_replication_role = replica` only; without
/// it, their keys are parked. Only warns: rows may never exchange values.
final class UniqueValueChecks {

    static final Facts.Check ON_TARGET =
            facts ->
                    judge(
                            new Findings(CheckName.TARGET_UNIQUE_VALUES),
                            Place.TARGET,
                            facts.target().server(),
                            facts.target().maySetReplicaRole(),
                            facts.targetTables());

    /// For the rows of the reverse stream.
    static final Facts.Check ON_SOURCE =
            facts ->
                    judge(
                            new Findings(CheckName.SWITCHOVER_SOURCE_UNIQUE_VALUES),
                            Place.SOURCE,
                            facts.source().server(),
                            facts.switchover().sourceReplicaRole(),
                            facts.sourceTables());

    private UniqueValueChecks() {}

    private static List<Finding> judge(
            Findings findings,
            Place place,
            Server.Facts server,
            boolean maySetReplicaRole,
            List<TableFacts> tables) {
        List<TableId> affected =
                tables.stream()
                        .filter(table -> table.dependents().uniqueBesidesKey())
                        .map(TableFacts::id)
                        .toList();
        String role = server.role().name();
        if (!maySetReplicaRole && !affected.isEmpty()) {
            findings.warn(
                    "role " + role,
                    "may not set session_replication_role on the "
                            + place.id()
                            + ", so keys of rows that exchange unique values are parked: unique or"
                            + " exclusion constraints besides the primary key are on "
                            + SwitchoverTableChecks.named(affected),
                    new Remedy(place, GrantSql.replicaRole(role, server.majorVersion())));
        }
        return findings.orOk(
                place.id() + " tables", "rows that exchange unique values are written");
    }
}
