package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import dev.millrace.lifecycle.ComponentState;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A table that cannot be applied exactly is stopped with a reason that contains no value; all
/// other tables continue.
class StoppedTableIT {

    private static final String GOOD = "CREATE TABLE good (id int PRIMARY KEY, v text)";
    private static final RowSchema GOOD_SCHEMA = ApplierScenario.rowSchema("good", "id", "v");
    private static final RowSchema BAD_SCHEMA = ApplierScenario.rowSchema("bad", "id", "v");
    private static final String SECRET = "hunter2";

    private static Row good(String id) {
        return Row.of(GOOD_SCHEMA, id, "x");
    }

    static Stream<Arguments> badTables() {
        return Stream.of(
                Arguments.of("(id int PRIMARY KEY)", Set.of("no column v")),
                Arguments.of("(id int, v text)", Set.of("42P10")),
                Arguments.of("(id int PRIMARY KEY DEFERRABLE, v text)", Set.of("SQLSTATE 55000")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badTables")
    void tableThatTakesNoRowIsStoppedAndOthersContinue(String bad, Set<String> parts)
            throws Exception {
        try (var scenario = new ApplierScenario(1, GOOD, "CREATE TABLE bad " + bad)) {
            scenario.upsert(0, good("1"));
            scenario.upsert(0, Row.of(BAD_SCHEMA, "1", SECRET));
            scenario.upsert(0, good("2"));
            TargetApplier applier = scenario.start();
            scenario.awaitApplied();
            scenario.upsert(0, Row.of(BAD_SCHEMA, "2", "1"));
            scenario.upsert(0, good("3"));
            scenario.awaitApplied();

            assertThat(scenario.database.value("SELECT count(*) FROM good")).isEqualTo("3");
            assertThat(scenario.database.value("SELECT count(*) FROM bad WHERE id < 99"))
                    .isEqualTo("0");
            StoppedTable stopped = scenario.stopped().getFirst();
            assertThat(stopped.table()).isEqualTo(BAD_SCHEMA.table());
            assertThat(stopped.changesOffset()).isEqualTo(1);
            assertThat(stopped.reason()).contains(parts).doesNotContain(SECRET);
            assertThat(applier.state()).isInstanceOf(ComponentState.Running.class);
            assertThat(applier.counts().lastError()).contains(stopped.reason());
            assertThat(scenario.stored().rowsApplied()).isEqualTo(3);
            assertThat(scenario.rejected(BAD_SCHEMA.table())).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 10_000})
    void rejectedChangeStopsItsTable(int rows) throws Exception {
        try (var scenario =
                new ApplierScenario(1, GOOD, "CREATE TABLE bad (id int PRIMARY KEY, v text)")) {
            scenario.upsert(0, Row.of(BAD_SCHEMA, "1", "before"));
            scenario.reject(0, BAD_SCHEMA.table(), "division by zero");
            scenario.upsert(0, Row.of(BAD_SCHEMA, "2", "after"));
            scenario.upsert(0, good("1"));
            scenario.start(ApplierScenario.limits(rows), scenario.sessions());
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT v FROM bad"))
                    .isEqualTo(List.of(List.of("before")));
            assertThat(scenario.database.value("SELECT count(*) FROM good")).isEqualTo("1");
            assertThat(scenario.stopped())
                    .containsExactly(
                            new StoppedTable(BAD_SCHEMA.table(), "division by zero", 0, 1));
            assertThat(scenario.rejected(BAD_SCHEMA.table())).isEqualTo(2);
        }
    }

    @Test
    void truncatedTableRemainsStopped() throws Exception {
        try (var scenario =
                new ApplierScenario(2, GOOD, "CREATE TABLE bad (id int PRIMARY KEY, v text)")) {
            scenario.upsert(0, Row.of(BAD_SCHEMA, "1", "before"));
            scenario.reject(0, BAD_SCHEMA.table(), "why");
            for (int partition = 0; partition < 2; partition++) {
                scenario.truncate(partition, BAD_SCHEMA.table(), 9);
                scenario.upsert(partition, Row.of(BAD_SCHEMA, "2", "after"));
                scenario.upsert(partition, good("" + partition));
            }
            scenario.start();
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT v FROM bad"))
                    .isEqualTo(List.of(List.of("before")));
            assertThat(scenario.database.value("SELECT count(*) FROM good")).isEqualTo("2");
            assertThat(scenario.stopped()).hasSize(1);
            assertThat(scenario.rejected(BAD_SCHEMA.table()))
                    .as("the reject, the truncate, two changes after it")
                    .isEqualTo(4);
        }
    }

    @Test
    void statementThatTheTargetDoesNotExecuteStopsItsTable() throws Exception {
        List<String> tables =
                List.of("kept", "elsewhere", "vetoed", "ignored", "rewritten", "emptied", "ruled");
        Stream<String> others =
                tables.stream()
                        .map(each -> "CREATE TABLE " + each)
                        .map(each -> each + " (id int PRIMARY KEY, v text, big text)");
        String[] all = Stream.concat(Stream.of(GOOD), others).toArray(String[]::new);
        try (var scenario = new ApplierScenario(1, all)) {
            scenario.start();
            tables.forEach(table -> scenario.upsert(0, row(table, "1")));
            scenario.upsert(0, good("1"));
            scenario.awaitApplied();
            scenario.database.execute(
                    "CREATE RULE r AS ON DELETE TO kept DO INSTEAD NOTHING",
                    "ALTER TABLE kept ENABLE ALWAYS RULE r",
                    "CREATE RULE r AS ON DELETE TO elsewhere"
                            + " DO INSTEAD DELETE FROM good WHERE id = old.id",
                    "ALTER TABLE elsewhere ENABLE ALWAYS RULE r",
                    "CREATE FUNCTION veto() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL;"
                            + " END'",
                    "CREATE TRIGGER t BEFORE DELETE ON vetoed FOR EACH ROW EXECUTE FUNCTION veto()",
                    "ALTER TABLE vetoed ENABLE ALWAYS TRIGGER t",
                    "CREATE RULE r AS ON INSERT TO ignored WHERE new.id = 2 DO INSTEAD NOTHING",
                    "ALTER TABLE ignored ENABLE ALWAYS RULE r",
                    "CREATE RULE r AS ON UPDATE TO rewritten"
                            + " DO INSTEAD UPDATE good SET v = new.v WHERE id = old.id",
                    "ALTER TABLE rewritten ENABLE ALWAYS RULE r",
                    "CREATE TABLE child (id int REFERENCES emptied)",
                    "CREATE RULE r AS ON DELETE TO emptied DO INSTEAD NOTHING",
                    "ALTER TABLE emptied ENABLE ALWAYS RULE r",
                    "CREATE RULE r AS ON UPDATE TO ruled DO INSTEAD NOTHING",
                    "ALTER TABLE ruled DISABLE RULE r");
            for (String table : List.of("kept", "elsewhere", "vetoed")) {
                scenario.delete(0, ApplierScenario.key(row(table, "1").schema(), "1"));
            }
            scenario.upsert(0, row("ignored", "2"));
            RowSchema rewritten = row("rewritten", "1").schema();
            scenario.upsert(
                    0, new Row.Builder(rewritten).text(0, "1").text(1, "y").unchanged(2).build());
            scenario.truncate(0, new TableId("public", "emptied"), 9);
            scenario.upsert(0, row("ruled", "2"));
            scenario.upsert(0, good("2"));
            scenario.awaitApplied();

            assertThat(scenario.stopped())
                    .extracting(stop -> stop.table().name() + statement(stop.reason()))
                    .containsExactlyInAnyOrder(
                            "kept DELETE",
                            "elsewhere DELETE",
                            "vetoed DELETE",
                            "ignored INSERT",
                            "rewritten UPDATE",
                            "emptied DELETE",
                            "ruled 0A000");
            assertThat(scenario.database.query("SELECT v FROM good ORDER BY id"))
                    .isEqualTo(List.of(List.of("x"), List.of("x")));
        }
    }

    private static Row row(String table, String id) {
        return Row.of(ApplierScenario.rowSchema(table, "id", "v", "big"), id, SECRET, "large");
    }

    private static String statement(String reason) {
        assertThat(reason).doesNotContain(SECRET);
        return Stream.of("INSERT", "UPDATE", "DELETE")
                .map(statement -> " " + statement)
                .filter(statement -> reason.contains("execute the" + statement))
                .findFirst()
                .orElse(reason.contains("0A000") ? " 0A000" : reason);
    }

    @Test
    void refusedTruncateStopsItsTable() throws Exception {
        try (var scenario = new ApplierScenario(2, GOOD)) {
            for (int partition = 0; partition < 2; partition++) {
                scenario.truncate(partition, BAD_SCHEMA.table(), 9);
                scenario.upsert(partition, good("" + partition));
            }
            scenario.start();
            scenario.awaitApplied();

            assertThat(scenario.stopped())
                    .extracting(StoppedTable::table)
                    .containsExactly(BAD_SCHEMA.table());
            assertThat(scenario.rejected(BAD_SCHEMA.table())).isEqualTo(1);
            assertThat(scenario.database.value("SELECT count(*) FROM good")).isEqualTo("2");
        }
    }

    @Test
    void countsRejectedChangesExactlyAcrossAppliers() throws Exception {
        try (var scenario =
                new ApplierScenario(3, GOOD, "CREATE TABLE bad (id int PRIMARY KEY, v text)")) {
            scenario.reject(0, BAD_SCHEMA.table(), "why");
            scenario.start(ApplierScenario.limits(7), scenario.sessions());
            scenario.awaitApplied();
            for (int turn = 0; turn < 4; turn++) {
                for (int i = 0; i < 300; i++) {
                    scenario.upsert(i % 3, Row.of(BAD_SCHEMA, "" + i, "x"));
                }
                scenario.awaitSent();
                // A second applier, so that batches are written twice and settled.
                TargetApplier other =
                        scenario.start(ApplierScenario.limits(11), scenario.sessions());
                scenario.awaitApplied();
                other.close();
            }

            assertThat(scenario.rejected(BAD_SCHEMA.table())).isEqualTo(1 + 4 * 300);
        }
    }

    @Test
    void tableThatStoppedBeforeCountingHasAnUnknownNumber() throws Exception {
        try (var scenario =
                new ApplierScenario(1, "CREATE TABLE bad (id int PRIMARY KEY, v text)")) {
            scenario.database.execute(
                    "INSERT INTO millrace.stopped_table (migration, generation, target_schema,"
                            + " target_name, reason, partition, changes_offset) VALUES ('"
                            + scenario.migration
                            + "', "
                            + ApplierScenario.GENERATION
                            + ", 'public', 'bad', 'why', 0, 0)");
            scenario.upsert(0, Row.of(BAD_SCHEMA, "1", "x"));
            scenario.start();
            scenario.awaitApplied();

            try (var connection = scenario.login.connect()) {
                assertThat(
                                new StoppedTables(scenario.migration)
                                        .read(connection, ApplierScenario.GENERATION))
                        .extracting(StoppedTables.Counted::rejected)
                        .containsExactly(Optional.empty());
            }
        }
    }
}
