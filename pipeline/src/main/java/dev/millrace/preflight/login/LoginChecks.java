package dev.millrace.preflight.login;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.ConnectionLimit;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.ConnectionChecks.ConnectionNeed;
import dev.millrace.preflight.login.LoginFacts.Control;
import dev.millrace.preflight.login.LoginFacts.Write;
import dev.millrace.preflight.login.ReconcileLogin.Place;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/// Judges the facts about the login of comparisons. Pure. Not thread-safe.
final class LoginChecks {

    private static final String CONTROL_OBJECT = "schema millrace";

    private final LoginFacts facts;
    private final Place place;
    private final String side;
    private final String role;
    private final int shares;
    private final List<Finding> findings = new ArrayList<>();

    private LoginChecks(LoginFacts facts, int shares) {
        this.facts = facts;
        this.shares = shares;
        this.place = facts.login().place();
        this.side = place.word();
        this.role = Identifier.quote(facts.role().name());
    }

    /// @param shares how many sides this role compares on one server
    static List<Finding> judge(LoginFacts facts, int shares) {
        LoginChecks checks = new LoginChecks(facts, shares);
        checks.select();
        checks.rowSecurity();
        checks.names();
        checks.control();
        checks.writes();
        checks.connections();
        return List.copyOf(checks.findings);
    }

    private void select() {
        Findings check =
                new Findings(
                        place.pick(
                                CheckName.SOURCE_RECONCILE_SELECT,
                                CheckName.TARGET_RECONCILE_SELECT));
        TreeSet<String> schemas = new TreeSet<>();
        for (TableFacts table : facts.tables()) {
            String schema = table.id().schema();
            if (!table.access().schemaUsage() && schemas.add(schema)) {
                check.refuse(
                        "schema " + schema,
                        "the role of comparisons has no USAGE privilege",
                        place.sql(GrantSql.usage(schema, facts.role().name())));
            }
            if (!table.access().select()) {
                check.refuse(
                        table.id().toString(),
                        "the role of comparisons has no SELECT privilege",
                        place.sql(GrantSql.onTable("SELECT", table.id(), facts.role().name())));
            }
        }
        findings.addAll(check.orOk(side + " tables", "the role of comparisons may read them"));
    }

    private void rowSecurity() {
        Findings check =
                new Findings(
                        place.pick(
                                CheckName.SOURCE_RECONCILE_ROW_SECURITY,
                                CheckName.TARGET_RECONCILE_ROW_SECURITY));
        for (TableFacts table : facts.tables()) {
            if (table.access().rowSecurity()) {
                check.refuse(
                        table.id().toString(),
                        "row-level security hides rows from role "
                                + facts.role().name()
                                + ", so nothing could be called equal",
                        place.sql(GrantSql.seesAllRows(facts.role().name())));
            }
        }
        findings.addAll(
                check.orOk(
                        side + " tables",
                        "row-level security hides no rows from the role of comparisons"));
    }

    private void names() {
        Findings check =
                new Findings(
                        place.pick(
                                CheckName.SOURCE_RECONCILE_NAMES,
                                CheckName.TARGET_RECONCILE_NAMES));
        Remedy remedy =
                place.sql(
                        "ALTER ROLE "
                                + role
                                + " IN DATABASE "
                                + Identifier.quote(facts.database())
                                + " SET search_path = "
                                + facts.path()
                                + ";");
        facts.unlike()
                .forEach(
                        (table, why) ->
                                check.refuse(
                                        table.toString(),
                                        "is read by a SELECT that means something else to the"
                                                + " role of comparisons: "
                                                + why,
                                        remedy));
        if (facts.hidden() && facts.unlike().isEmpty()) {
            check.refuse(
                    "role " + facts.role().name(),
                    "has a search path that names pg_catalog after other schemas, so a function"
                            + " there could hide one of PostgreSQL's from comparisons alone",
                    remedy);
        }
        findings.addAll(check.orOk(side + " tables", "their SELECTs mean the same to both roles"));
    }

    /// On the source, only the way back stores its offsets there.
    private void control() {
        boolean isSource = place == Place.SOURCE;
        Findings check =
                new Findings(
                        place.pick(
                                CheckName.SWITCHOVER_RECONCILE_CONTROL,
                                CheckName.TARGET_RECONCILE_CONTROL));
        Control control = facts.control();
        if (!control.usage() || !control.select() || !control.later()) {
            String message =
                    "the role of comparisons may not read the stored offsets and the rejected keys"
                            + " that Millrace keeps in it";
            if (isSource) {
                check.warn(
                        CONTROL_OBJECT,
                        message + " after a switchover, so the way back could not be compared",
                        remedy(control));
            } else {
                check.refuse(CONTROL_OBJECT, message, remedy(control));
            }
        }
        findings.addAll(
                check.orOk(CONTROL_OBJECT, "the role of comparisons may read it on the " + side));
    }

    /// The control schema is created at the start; its tables are created by the other role.
    private Remedy remedy(Control control) {
        String owner = facts.login().owner();
        String reader = facts.role().name();
        List<String> statements = new ArrayList<>();
        if (!control.exists()) {
            statements.add(GrantSql.controlSchema(owner));
        }
        if (!control.usage()) {
            statements.add(GrantSql.usage("millrace", reader));
        }
        if (!control.select()) {
            statements.add(GrantSql.readControl(reader));
        }
        if (!control.later()) {
            statements.add(GrantSql.readControlLater(owner, reader));
        }
        return place.sql(String.join(" ", statements));
    }

    private void writes() {
        Findings check =
                new Findings(
                        place.pick(
                                CheckName.SOURCE_RECONCILE_WRITES,
                                CheckName.TARGET_RECONCILE_WRITES));
        if (facts.role().superuser()) {
            check.warn(
                    "role " + facts.role().name(),
                    "is a superuser, but a comparison only reads",
                    place.sql("ALTER ROLE " + role + " NOSUPERUSER;"));
        }
        for (Write write : facts.writes()) {
            check.warn(
                    write.table().map(TableId::toString).orElse("role " + facts.role().name()),
                    write.table().isPresent()
                            ? "the role of comparisons has "
                                    + write.privileges()
                                    + ", but a comparison only reads"
                            : "may write every table, but a comparison only reads",
                    remedy(write));
        }
        findings.addAll(check.orOk(side + " tables", "the role of comparisons may not write them"));
    }

    private Remedy remedy(Write write) {
        if (write.table().isPresent() && (write.direct() || write.through().isEmpty())) {
            return place.sql(
                    "REVOKE "
                            + write.privileges()
                            + " ON "
                            + Identifier.quote(write.table().get())
                            + " FROM "
                            + write.grantee()
                            + ";");
        }
        return place.sql("REVOKE " + write.through() + " FROM " + role + ";");
    }

    private void connections() {
        Findings check =
                new Findings(
                        place.pick(
                                CheckName.SOURCE_RECONCILE_CONNECTIONS,
                                CheckName.TARGET_RECONCILE_CONNECTIONS));
        int needed = ConnectionNeed.COMPARISON_LOGIN * shares;
        for (ConnectionLimit limit : facts.limits()) {
            if (limit.kind() == ConnectionLimit.Kind.ROLE
                    && limit.limit() - limit.used() < needed) {
                check.refuse(
                        "role " + limit.name(),
                        new Measured((limit.limit() - limit.used()) + " free", needed + " free"),
                        "allows "
                                + limit.limit()
                                + " connections, of which others use "
                                + limit.used()
                                + ", but comparisons need "
                                + needed,
                        place.sql(
                                "ALTER ROLE "
                                        + role
                                        + " CONNECTION LIMIT "
                                        + (limit.used() + needed)
                                        + ";"));
            }
        }
        findings.addAll(
                check.orOk(
                        "role " + facts.role().name(),
                        "its limit allows the " + needed + " connections of comparisons"));
    }
}
