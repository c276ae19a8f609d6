package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.apply.shape.TargetShape;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Keys and tables that wait for another definition of the target's table continue by themselves
/// when it has changed.
class ShapeChangeIT {

    private static final Duration OFTEN = Duration.ofMillis(100);
    private static final RowSchema TABLE = ApplierScenario.rowSchema("t", "id", "v");

    private static Row row(int id, String v) {
        return Row.of(TABLE, "" + id, v);
    }

    private static ApplierScenario scenario(String... ddl) throws Exception {
        ApplierScenario scenario = new ApplierScenario(2, ddl);
        scenario.database.execute(
                "INSERT INTO millrace.target_table (migration, target, empty_at_start, table_oid)"
                        + " VALUES ('%s', '%s', true, 't'::regclass)"
                                .formatted(
                                        scenario.migration,
                                        Identifier.quote(new TableId("public", "t"))));
        return scenario;
    }

    private static void awaitNothingWaits(ApplierScenario scenario) {
        await().atMost(ApplierScenario.TIMEOUT)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> scenario.parked().isEmpty() && scenario.stopped().isEmpty());
        scenario.awaitApplied();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CREATE TYPE st AS ENUM ('a', 'b')|st|c|ALTER TYPE st ADD VALUE 'c' BEFORE 'b'",
                "CREATE TYPE st AS ENUM ('a')|st[]|{c}|ALTER TYPE st ADD VALUE 'c'",
                "CREATE DOMAIN st AS varchar(1)|st|long|ALTER TABLE t ALTER v TYPE text",
                "SELECT 1|varchar(1)|long|ALTER TABLE t ALTER v TYPE varchar(9)",
                "SELECT 1|int|3000000000|ALTER TABLE t ALTER v TYPE bigint",
                "SELECT 1|int|x|ALTER TABLE t ALTER v TYPE text USING v::text"
            })
    void rejectedKeysAreAppliedWhenTheTableAcceptsTheirValue(
            String before, String type, String value, String fix) throws Exception {
        try (ApplierScenario scenario =
                scenario(before, "CREATE TABLE t (id int PRIMARY KEY, v " + type + ")")) {
            TargetApplier first =
                    scenario.start(ApplierScenario.limits(10_000, OFTEN), scenario.sessions());
            for (int id = 0; id < 6; id++) {
                scenario.upsert(id % 2, row(id, value));
            }
            scenario.awaitApplied();
            assertThat(scenario.parked()).hasSize(6);
            await().atMost(ApplierScenario.TIMEOUT).until(() -> triedAgain(scenario, "t") == 6);
            assertThat(scenario.parked()).as("the cause remains").hasSize(6);
            first.close();
            scenario.start(ApplierScenario.limits(10_000, OFTEN), scenario.sessions());

            scenario.database.execute(fix);
            awaitNothingWaits(scenario);

            assertThat(scenario.database.query("SELECT DISTINCT v::text FROM t"))
                    .isEqualTo(List.of(List.of(value)));
        }
    }

    /// How many keys were tried again: that writes the row of the key, which was written with its
    /// change before.
    private static long triedAgain(ApplierScenario scenario, String table) {
        return Long.parseLong(
                String.valueOf(
                        scenario.database.value(
                                "SELECT count(*) FROM millrace.parked_key k WHERE k.target_name ="
                                        + " '"
                                        + table
                                        + "' AND k.xmin::text NOT IN (SELECT c.xmin::text FROM"
                                        + " millrace.parked_change c WHERE c.parked_key ="
                                        + " k.id)")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE t RENAME v TO w|ALTER TABLE t RENAME w TO v",
                "ALTER TABLE t RENAME TO away|ALTER TABLE away RENAME TO t",
                "ALTER TABLE t DROP v|ALTER TABLE t ADD v text",
                "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id) DEFERRABLE"
                        + "|ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id)"
            })
    void aStoppedTableContinuesWhenItsCauseHasGone(String broken, String fix) throws Exception {
        try (ApplierScenario scenario = scenario("CREATE TABLE t (id int PRIMARY KEY, v text)")) {
            TargetApplier first =
                    scenario.start(ApplierScenario.limits(10_000, OFTEN), scenario.sessions());
            scenario.database.execute(broken);
            for (int id = 0; id < 6; id++) {
                scenario.upsert(id % 2, row(id, "x"));
            }
            scenario.awaitApplied();
            assertThat(scenario.stopped()).hasSize(1);
            first.close();
            scenario.database.execute(fix);

            scenario.start(ApplierScenario.limits(10_000, OFTEN), scenario.sessions());
            awaitNothingWaits(scenario);

            assertThat(scenario.database.value("SELECT count(*) FROM t WHERE v = 'x'"))
                    .isEqualTo("6");
        }
    }

    @Test
    void aTableAboveItsLimitContinuesWhenItAcceptsTheValues() throws Exception {
        try (ApplierScenario scenario =
                scenario(
                        "CREATE TYPE st AS ENUM ('a')",
                        "CREATE TABLE t (id int PRIMARY KEY, v st)")) {
            scenario.limitRejected(2);
            scenario.start(ApplierScenario.limits(1, OFTEN), scenario.sessions());
            for (int id = 0; id < 20; id++) {
                scenario.upsert(id % 2, row(id, "new"));
            }
            scenario.awaitApplied();
            assertThat(scenario.stopped()).hasSize(1);

            scenario.database.execute("ALTER TYPE st ADD VALUE 'new'");
            awaitNothingWaits(scenario);

            assertThat(scenario.database.value("SELECT count(*) FROM t WHERE v = 'new'"))
                    .isEqualTo("20");
        }
    }

    /// Another definition of the table does not remove these causes, and a retry is the operator's.
    @Test
    void otherCausesAreLeftToTheOperator() throws Exception {
        try (ApplierScenario scenario =
                scenario(
                        "CREATE TABLE t (id int PRIMARY KEY, v text CHECK (v <> 'bad'))",
                        "CREATE TABLE looked (id int PRIMARY KEY, v int)",
                        "CREATE TABLE never (id int PRIMARY KEY)")) {
            scenario.start(ApplierScenario.limits(10_000, OFTEN), scenario.sessions());
            scenario.reject(1, new TableId("public", "never"), "division by zero");
            scenario.upsert(0, row(1, "bad"));
            scenario.awaitApplied();
            scenario.database.execute(
                    "ALTER TABLE t DROP CONSTRAINT t_v_check", "ALTER TABLE never ADD v text");
            scenario.upsert(
                    0, Row.of(ApplierScenario.rowSchema("looked", "id", "v"), "1", "no number"));
            scenario.awaitApplied();
            await().atMost(ApplierScenario.TIMEOUT)
                    .until(() -> triedAgain(scenario, "looked") == 1);

            assertThat(triedAgain(scenario, "t")).isZero();
            assertThat(scenario.stopped())
                    .singleElement()
                    .satisfies(stop -> assertThat(stop.reason()).isEqualTo("division by zero"));
        }
    }

    @Test
    void theShapeOfATableContainsWhatDecidesOnItsRows() throws Exception {
        try (ApplierScenario scenario =
                        scenario(
                                "CREATE TYPE st AS ENUM ('a')",
                                "CREATE DOMAIN dom AS st",
                                "CREATE TABLE t (id int PRIMARY KEY, v dom, w varchar(3))");
                Connection connection = scenario.login.connect()) {
            TableId table = TABLE.table();
            for (String change :
                    List.of(
                            "ALTER TYPE st ADD VALUE 'b'",
                            "ALTER DOMAIN dom SET NOT NULL",
                            "ALTER TABLE t ALTER w TYPE varchar(4)",
                            "ALTER TABLE t ADD CHECK (id > 0)",
                            "CREATE UNIQUE INDEX ON t (w)",
                            "REVOKE INSERT ON t FROM " + scenario.login.name(),
                            "CREATE RULE r AS ON UPDATE TO t DO INSTEAD NOTHING")) {
                String before = TargetShape.read(connection, table);
                scenario.database.execute(change);
                assertThat(TargetShape.read(connection, table)).as(change).isNotEqualTo(before);
            }
            String before = TargetShape.read(connection, table);
            scenario.database.execute(
                    "INSERT INTO t VALUES (1, 'a', 'x')", "CREATE INDEX ON t (v)", "ANALYZE t");
            assertThat(TargetShape.read(connection, table)).isEqualTo(before);
            scenario.database.execute("DROP TABLE t");
            assertThat(TargetShape.read(connection, table)).isEqualTo(TargetShape.MISSING);
        }
    }
}
