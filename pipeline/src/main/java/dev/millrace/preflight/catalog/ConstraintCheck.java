package dev.millrace.preflight.catalog;

import dev.millrace.change.TableId;
import dev.millrace.parity.UnfinishedObjects;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import java.util.Collection;
import java.util.List;

/// Says early which constraints and indexes of the target hold a switchover back, because they are
/// not validated or not valid. Only warns: rows can be written without them.
public final class ConstraintCheck {

    private ConstraintCheck() {}

    public static List<Finding> judge(Session target, Collection<TableId> tables) {
        Findings findings = new Findings(CheckName.TARGET_CONSTRAINTS);
        if (!tables.isEmpty()) {
            for (UnfinishedObjects object : UnfinishedObjects.read(target, tables)) {
                findings.warn(
                        object.finding().object(),
                        object.finding().message(),
                        Remedy.of(Place.TARGET, object.finding().remedy()));
            }
        }
        return findings.orOk("target tables", "their constraints and indexes are valid");
    }
}
