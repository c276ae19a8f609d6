package dev.millrace.preflight;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import java.util.List;
import java.util.stream.Collectors;

/// Refuses target tables with rules that would rewrite the statements of apply. Whether a rule
/// applies depends on `session_replication_role`, as for triggers.
final class TargetRuleCheck {

    private TargetRuleCheck() {}

    static List<Finding> judge(Facts facts) {
        Findings findings = new Findings(CheckName.TARGET_RULES);
        for (TableFacts table : facts.targetTables()) {
            TableFacts.Rules rules = table.dependents().rules();
            String object = table.id().toString();
            if (!rules.onUpdate().isEmpty()) {
                findings.refuse(
                        object,
                        "has ON UPDATE rules ("
                                + String.join(", ", rules.onUpdate())
                                + "): PostgreSQL refuses INSERT ... ON CONFLICT on such a table,"
                                + " even if the rules are disabled",
                        Remedy.onTarget(each("DROP RULE %s ON %s;", rules.onUpdate(), table))
                                .note("Create them again after the switchover."));
            }
            List<String> applied =
                    facts.target().maySetReplicaRole() ? rules.ofReplica() : rules.ofOrigin();
            if (!applied.isEmpty()) {
                findings.refuse(
                        object,
                        "has ON INSERT or ON DELETE rules that apply to the sessions of Millrace ("
                                + String.join(", ", applied)
                                + "): they would drop replicated rows or act on them",
                        Remedy.onTarget(each("ALTER TABLE %2$s DISABLE RULE %1$s;", applied, table))
                                .note("Enable them again after the switchover."));
            }
        }
        return findings.orOk("target tables", "no rule rewrites the statements of apply");
    }

    private static String each(String statement, List<String> rules, TableFacts table) {
        String name = Identifier.quote(table.id());
        return rules.stream()
                .map(rule -> statement.formatted(Identifier.quote(rule), name))
                .collect(Collectors.joining(" "));
    }
}
