package dev.millrace.preflight.login;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.ConnectionLimit;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.ConnectionChecks.ConnectionNeed;
import dev.millrace.preflight.Finding;
import dev.millrace.preflight.Finding.Status;
import dev.millrace.preflight.login.LoginFacts.Control;
import dev.millrace.preflight.login.LoginFacts.Write;
import dev.millrace.preflight.login.ReconcileLogin.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/// Judges the facts about the login of comparisons. Pure. Not thread-safe.
final class LoginChecks {

    private static final String CONTROL_OBJECT = "schema millrace";

    private final LoginFacts facts;
    private final String side;
    private final String role;
    private final int shares;
    private final List<Finding> findings = new ArrayList<>();

    private LoginChecks(LoginFacts facts, int shares) {
        this.facts = facts;
        this.shares = shares;
        this.side = facts.login().place().word();
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
        Check check = new Check(side + ".reconcile-select");
        TreeSet<String> schemas = new TreeSet<>();
        for (TableFacts table : facts.tables()) {
            String schema = table.id().schema();
            if (!table.access().schemaUsage() && schemas.add(schema)) {
                check.refuse(
                        "schema " + schema,
                        "the role of comparisons has no USAGE privilege",
                        GrantSql.usage(schema, facts.role().name()));
            }
            if (!table.access().select()) {
                check.refuse(
                        table.id().toString(),
                        "the role of comparisons has no SELECT privilege",
                        GrantSql.onTable("SELECT", table.id(), facts.role().name()));
            }
        }
        check.orOk(side + " tables", "the role of comparisons may read them");
    }

    private void rowSecurity() {
        Check check = new Check(side + ".reconcile-row-security");
        for (TableFacts table : facts.tables()) {
            if (table.access().rowSecurity()) {
                check.refuse(
                        table.id().toString(),
                        "row-level security hides rows from role "
                                + facts.role().name()
                                + ", so nothing could be called equal",
                        GrantSql.seesAllRows(facts.role().name()));
            }
        }
        check.orOk(
                side + " tables", "row-level security hides no rows from the role of comparisons");
    }

    private void names() {
        Check check = new Check(side + ".reconcile-names");
        String remedy =
                "ALTER ROLE "
                        + role
                        + " IN DATABASE "
                        + Identifier.quote(facts.database())
                        + " SET search_path = "
                        + facts.path()
                        + ";";
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
        check.orOk(side + " tables", "their SELECTs mean the same to both roles");
    }

    /// On the source, only the way back stores its offsets there.
    private void control() {
        boolean isSource = facts.login().place() == Place.SOURCE;
        Check check =
                new Check(isSource ? "switchover.reconcile-control" : "target.reconcile-control");
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
        check.orOk(CONTROL_OBJECT, "the role of comparisons may read it on the " + side);
    }

    /// The control schema is created at the start; its tables are created by the other role.
    private String remedy(Control control) {
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
        return String.join(" ", statements);
    }

    private void writes() {
        Check check = new Check(side + ".reconcile-writes");
        if (facts.role().superuser()) {
            check.warn(
                    "role " + facts.role().name(),
                    "is a superuser, but a comparison only reads",
                    "ALTER ROLE " + role + " NOSUPERUSER;");
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
        check.orOk(side + " tables", "the role of comparisons may not write them");
    }

    private String remedy(Write write) {
        if (write.table().isPresent() && (write.direct() || write.through().isEmpty())) {
            return "REVOKE "
                    + write.privileges()
                    + " ON "
                    + Identifier.quote(write.table().get())
                    + " FROM "
                    + write.grantee()
                    + ";";
        }
        return "REVOKE " + write.through() + " FROM " + role + ";";
    }

    private void connections() {
        Check check = new Check(side + ".reconcile-connections");
        int needed = ConnectionNeed.COMPARISON_LOGIN * shares;
        for (ConnectionLimit limit : facts.limits()) {
            if (limit.kind() == ConnectionLimit.Kind.ROLE
                    && limit.limit() - limit.used() < needed) {
                check.refuse(
                        "role " + limit.name(),
                        "allows "
                                + limit.limit()
                                + " connections, of which others use "
                                + limit.used()
                                + ", but comparisons need "
                                + needed,
                        "ALTER ROLE "
                                + role
                                + " CONNECTION LIMIT "
                                + (limit.used() + needed)
                                + ";");
            }
        }
        check.orOk(
                "role " + facts.role().name(),
                "its limit allows the " + needed + " connections of comparisons");
    }

    /// Collects the findings of one check: refusals and warnings, or else one line that all is
    /// well.
    private final class Check {

        private final String name;
        private boolean passed = true;

        Check(String name) {
            this.name = name;
        }

        void refuse(String object, String message, String remedy) {
            add(Status.REFUSED, object, message, remedy);
        }

        void warn(String object, String message, String remedy) {
            add(Status.WARNING, object, message, remedy);
        }

        void orOk(String object, String message) {
            if (passed) {
                add(Status.OK, object, message, "");
            }
        }

        private void add(Status status, String object, String message, String remedy) {
            passed = false;
            findings.add(new Finding(status, name, object, message, remedy));
        }
    }
}
