package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.checks;
import static dev.millrace.preflight.Reported.only;
import static dev.millrace.preflight.Reported.open;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import org.junit.jupiter.api.Test;

/// Checks of target tables: triggers, rules, constraints and existing rows.
class TargetTablesIT {

    private final PreflightScene scene = new PreflightScene();

    @Test
    void reportsTriggersAndForeignKeysThatCannotBeDisabled() {
        scene.target.execute(
                "CREATE TABLE mail (id int PRIMARY KEY, customer bigint REFERENCES customer)");
        assertThat(open(scene.plan())).isEmpty();

        scene.source.execute("REVOKE SET ON PARAMETER session_replication_role FROM " + scene.role);

        Finding found = only(scene.plan());
        assertThat(found.check()).isEqualTo("target.triggers");
        assertThat(found.object()).isEqualTo("public.customer");
        assertThat(found.message()).contains("foreign key from mail");
    }

    @Test
    void refusesRulesThatRewriteAppliedStatements() {
        scene.target.execute(
                "CREATE RULE keep AS ON DELETE TO customer DO INSTEAD NOTHING",
                "CREATE RULE count AS ON INSERT TO customer DO ALSO SELECT 1",
                "ALTER TABLE customer DISABLE RULE count");
        assertThat(open(scene.plan())).as("the replica role does not apply them").isEmpty();

        scene.target.execute("ALTER TABLE customer ENABLE ALWAYS RULE count");
        Finding always = only(scene.plan());
        assertThat(always.check()).isEqualTo("target.rules");
        assertThat(always.object()).isEqualTo("public.customer");
        assertThat(always.message()).contains("(count)");
        assertThat(always.remedy())
                .startsWith("ALTER TABLE \"public\".\"customer\" DISABLE RULE \"count\";");

        scene.source.execute("REVOKE SET ON PARAMETER session_replication_role FROM " + scene.role);
        assertThat(only(scene.plan()).message()).contains("(count, keep)");

        scene.target.execute(
                "DROP RULE keep ON customer",
                "DROP RULE count ON customer",
                "CREATE RULE touch AS ON UPDATE TO customer DO INSTEAD NOTHING",
                "ALTER TABLE customer DISABLE RULE touch");
        Finding update = only(scene.plan());
        assertThat(update.message()).contains("ON UPDATE rules (touch)", "ON CONFLICT");
        assertThat(update.remedy()).startsWith("DROP RULE \"touch\" ON \"public\".\"customer\";");
    }

    @Test
    void refusesIdentityColumnThatNoUpdateMaySet() {
        scene.target.execute("ALTER TABLE customer ALTER id ADD GENERATED ALWAYS AS IDENTITY");
        assertThat(open(scene.plan())).as("a key is never updated").isEmpty();

        scene.source.execute("ALTER TABLE users ALTER user_name TYPE bigint USING 0");
        scene.target.execute(
                "ALTER TABLE customer ALTER id DROP IDENTITY",
                "ALTER TABLE customer ALTER full_name TYPE bigint USING 0",
                "ALTER TABLE customer ALTER full_name ADD GENERATED ALWAYS AS IDENTITY");
        Finding refused = only(scene.plan());
        assertThat(refused.check()).isEqualTo("target.identity");
        assertThat(refused.message()).startsWith("column full_name is GENERATED ALWAYS");

        scene.target.execute(refused.remedy().substring(0, refused.remedy().indexOf(';') + 1));
        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void refusesDeferrableConstraintsByName() {
        scene.target.execute(
                "ALTER TABLE customer DROP CONSTRAINT customer_pkey",
                "ALTER TABLE customer ADD CONSTRAINT late_key PRIMARY KEY (id) DEFERRABLE",
                "ALTER TABLE customer ADD CONSTRAINT late_mail UNIQUE (email) DEFERRABLE"
                        + " INITIALLY DEFERRED",
                "ALTER TABLE customer ADD CONSTRAINT prompt UNIQUE (full_name)");

        PreflightReport report = scene.plan();

        assertThat(checks(report)).containsExactly("target.deferrable", "target.deferrable");
        assertThat(open(report).stream().map(Finding::message).toList().toString())
                .contains("constraint late_key is deferrable", "constraint late_mail is deferrable")
                .doesNotContain("prompt");
        assertThat(report.accepted()).isFalse();
    }

    @Test
    void refusesDeferrableConstraintOfPartitionByName() {
        scene.target.execute(
                "DROP TABLE customer",
                "CREATE TABLE customer (id bigint PRIMARY KEY, full_name text NOT NULL, email"
                        + " text) PARTITION BY RANGE (id)",
                "CREATE TABLE customer_low PARTITION OF customer FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE customer OWNER TO " + scene.role,
                "ALTER TABLE customer_low OWNER TO " + scene.role);
        assertThat(open(scene.plan())).isEmpty();
        scene.target.execute(
                "ALTER TABLE customer_low ADD CONSTRAINT late_mail UNIQUE (email) DEFERRABLE");

        assertThat(only(scene.plan()).message()).contains("constraint late_mail");
    }

    @Test
    void refusesNonEmptyTargetTableUnlessItBelongsToTheMigration() {
        scene.target.execute("INSERT INTO customer VALUES (1, 'a', 'b')");
        Finding filled = only(scene.plan());
        assertThat(filled.check()).isEqualTo("target.empty");
        assertThat(filled.message())
                .isEqualTo("is not empty: it contains rows that this migration did not write");

        scene.target.execute(
                "CREATE SCHEMA millrace AUTHORIZATION " + scene.role,
                "CREATE TABLE millrace.target_table (migration text, target text, empty_at_start"
                        + " boolean)",
                "ALTER TABLE millrace.target_table OWNER TO " + scene.role,
                "INSERT INTO millrace.target_table VALUES ('"
                        + scene.migration()
                        + "', '\"public\".\"customer\"', true)");

        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void refusesAViewAsTarget() {
        scene.target.execute(
                "ALTER TABLE customer RENAME TO stored",
                "CREATE VIEW customer AS SELECT * FROM stored",
                "ALTER VIEW customer OWNER TO " + scene.role);

        assertThat(
                        open(
                                scene.plan(
                                        "public.customer: {select: 'SELECT id, user_name AS"
                                                + " full_name, email FROM public.users', key: [id]}")))
                .anySatisfy(
                        found -> {
                            assertThat(found.message()).isEqualTo("is not a table");
                            assertThat(found.remedy()).isEqualTo("Declare a table as target.");
                        });
    }

    @Test
    void refusesForeignSchemaNamedMillrace() {
        scene.target.execute("CREATE SCHEMA millrace", "CREATE TABLE millrace.flour (id int)");

        assertThat(only(scene.plan()).message()).contains("not Millrace's");
    }
}
