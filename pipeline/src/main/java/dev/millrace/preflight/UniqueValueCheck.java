package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy.Place;
import java.util.List;

/// Checks that rows that exchange unique values can be written. Apply takes such rows out of the
/// table and puts them back, which it does with `session_replication_role = replica` only; without
/// it, their keys are parked. Only warns: rows may never exchange values.
final class UniqueValueCheck {

    private UniqueValueCheck() {}

    static List<Finding> judge(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_UNIQUE_VALUES);
        List<TableId> affected =
                facts.targetTables().stream()
                        .filter(table -> table.dependents().uniqueBesidesKey())
                        .map(TableFacts::id)
                        .toList();
        Server.Facts server = facts.target().server();
        String role = server.role().name();
        if (!facts.target().maySetReplicaRole() && !affected.isEmpty()) {
            findings.warn(
                    "role " + role,
                    "may not set session_replication_role, so keys of rows that exchange unique"
                            + " values are parked: unique or exclusion constraints besides the"
                            + " primary key are on "
                            + SwitchoverTableChecks.named(affected),
                    SwitchoverTableChecks.replicaRole(Place.TARGET, server));
        }
        return findings.orOk("target tables", "rows that exchange unique values are written");
    }
}
