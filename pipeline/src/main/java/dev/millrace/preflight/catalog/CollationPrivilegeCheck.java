package dev.millrace.preflight.catalog;

import dev.millrace.grants.GrantSql;
import dev.millrace.preflight.compile.SpecCompiler.Compilation;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;

/// Checks that the roles may use the schemas of the collations under which a SELECT changes the
/// case of letters: how, only the server says. Pure.
public final class CollationPrivilegeCheck {

    private CollationPrivilegeCheck() {}

    /// @param source the role of the source
    /// @param target the role of the target
    public static List<Finding> judge(Compilation compiled, String source, String target) {
        List<Finding> findings = new ArrayList<>();
        findings.addAll(
                judge(
                        new Findings(CheckName.SOURCE_COLLATION_PRIVILEGE),
                        Place.SOURCE,
                        source,
                        compiled.hiddenOnSource()));
        findings.addAll(
                judge(
                        new Findings(CheckName.TARGET_COLLATION_PRIVILEGE),
                        Place.TARGET,
                        target,
                        compiled.hiddenOnTarget()));
        return findings;
    }

    private static List<Finding> judge(
            Findings findings,
            Place place,
            String role,
            SortedMap<String, SortedSet<String>> hidden) {
        hidden.forEach(
                (schema, columns) ->
                        findings.refuse(
                                "schema " + schema,
                                "the role has no USAGE privilege, so it is not known how upper and"
                                        + " lower change letters: the collations of "
                                        + String.join(", ", columns)
                                        + " are in this schema",
                                new Remedy(place, GrantSql.usage(schema, role))));
        return findings.orOk(
                place.id() + " columns", "the role may use the schemas of their collations");
    }
}
